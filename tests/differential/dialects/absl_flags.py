"""Flags of every kind."""

# ruff: noqa
import enum

from absl import app, flags

FLAGS = flags.FLAGS


class Optimizer(enum.Enum):
    SGD = 1
    ADAM = 2


flags.DEFINE_string("data_dir", None, "Where the data is.", required=True)
flags.DEFINE_integer("epochs", 10, "Passes.", lower_bound=1)
flags.DEFINE_float("lr", 1e-3, "Learning rate.")
flags.DEFINE_bool("augment", True, "Augment.")
flags.DEFINE_boolean("resume", False, "Resume.")
flags.DEFINE_enum("mode", "train", ["train", "eval"], "What to do.")
flags.DEFINE_enum_class("optimizer", Optimizer.ADAM, Optimizer, "Which.")
flags.DEFINE_list("classes", "cat,dog", "Names.")
flags.DEFINE_list("none", None, "Nothing.")
flags.DEFINE_spaceseplist("words", "a b", "Words.")
flags.DEFINE_multi_integer("milestones", [30, 60], "Epochs.")
flags.DEFINE_multi_string("tag", "one", "Tags.")
flags.DEFINE_multi_float("weights", None, "Weights.")
SEED = flags.DEFINE_integer("seed", None, "Seed.")
NAME = flags.DEFINE_string(name="name", default="run" + "1", help="Name.")
flags.mark_flag_as_required("seed")


def main(argv):
    print(FLAGS.lr, SEED.value, argv)


if __name__ == "__main__":
    app.run(main)
