"""What a class of the script does in the place of ``object``, beside what Python does."""

from pathlib import Path

from tests.tables import table
from tests.unit.script.reading import read

# Each with what the default of the argument is, and how it is written.
KNOWN = {
    "update of __dict__": """
class C:
    x = 1
    def __init__(self, **given): self.__dict__.update(given)
value = C(x=5).x
""",
    "item of __dict__": """
class C:
    x = 1
    def __init__(self): self.__dict__["x"] = 5
value = C().x
""",
    "vars": """
class C:
    x = 1
c = C()
vars(c).update(x=5)
value = c.x
""",
    "a dict that is its own __dict__": """
class C(dict):
    x = 1
    def __init__(self, *given, **more):
        super().__init__(*given, **more)
        self.__dict__ = self
c = C(y=2)
c["x"] = 3
value = c.x + c.y
""",
    "methods of dict for attributes": """
class C(dict):
    __getattr__ = dict.get
    __setattr__ = dict.__setitem__
    __delattr__ = dict.__delitem__
c = C(a=1, z=7)
c.b = 4
del c.z
value = len(c) + c["b"] - (c.nothing or 1)
""",
    "object.__setattr__": """
import dataclasses
@dataclasses.dataclass(frozen=True)
class C:
    x: int = 1
    def __post_init__(self): object.__setattr__(self, "x", 5)
value = C().x
""",
    "a __setattr__ that is inherited": """
class B:
    def __setattr__(self, name, value): super().__setattr__(name, value + 1)
class C(B): pass
c = C()
c.x = 4
value = c.x
""",
    "a __getattr__ that is inherited": """
class B:
    def __getattr__(self, name): return {"x": 5}[name]
class C(B): pass
value = C().x
""",
    "descriptors": """
class D:
    def __set_name__(self, owner, name): self.name = "_" + name
    def __get__(self, owner, kind=None): return owner.__dict__[self.name]
    def __set__(self, owner, value): owner.__dict__[self.name] = value + 1
class C:
    x = D()
c = C()
c.x = 4
value = c.x
""",
    "__getattribute__": """
class C:
    x = 1
    def __getattribute__(self, name): return object.__getattribute__(self, name) * 5
value = C().x
""",
    "operators in place": """
class C:
    def __init__(self): self.x = 1
    def __iadd__(self, other):
        self.x += other
        return self
class D(dict): pass
c, d = C(), D()
c += 3
d |= {"y": 1}
value = c.x + d["y"]
""",
    "another class": """
class A:
    x = 1
class B:
    x = 5
a = A()
a.__class__ = B
value = a.x
""",
    "other defaults": """
def f(x=1): return x
f.__defaults__ = (5,)
value = f()
""",
    "other defaults of keywords": """
def f(*, x=1): return x
f.__kwdefaults__ = {"x": 5}
value = f()
""",
    "what a missing key gives": """
class C(dict):
    def __missing__(self, key):
        self[key] = 2
        return 3
c = C(a=1)
value = c["b"] + len(c)
""",
    "a length": """
class C(list):
    def __len__(self): return 5
value = len(C(["a"]))
""",
    "a constructor of a dict": """
class C(dict):
    def __init__(self, *given):
        super().__init__(*given)
        self["more"] = 3
value = sum(C({"a": 2}).values())
""",
    "a constructor of a list": """
class C(list):
    def __init__(self, *given):
        list.__init__(self, *given)
        self += [0]
value = len(C([1, 2, 3, 4]))
""",
    "an item that is deleted": """
class C(dict):
    def __delitem__(self, key): super().__delitem__(key.lower())
c = C(a=1, b=5)
del c["A"]
value = sum(c.values())
""",
    "a copy": """
import copy
class C(dict):
    pass
one = C(x=5)
other = copy.copy(one)
other["x"] = 1
value = one["x"]
""",
    "an object that is removed": """
class C: pass
one, other = C(), C()
both = [one, other]
both.remove(one)
both[0].x = 5
value = other.x
""",
    "names of an object": """
class B:
    x = 1
    def m(self): pass
class C(B):
    y: int = 2
    def __init__(self): self.z = 3
known = {"m", "x", "y", "z"}
value = len([n for n in dir(C()) if n in known]) + (sorted(dir(C())) == dir(C()))
""",
    "slices": """
items = [0, 1, 2, 3]
items[1:3] = [4]
del items[2:]
items[:0] = [1]
value = sum(items)
""",
    "a queue": """
import collections
queue = collections.deque([1, 2])
queue.appendleft(2)
value = queue.popleft() + queue.popleft() + queue.popleft()
""",
}
UNKNOWN = {
    "what is loaded": """
import yaml
class C:
    x = 1
    def __init__(self): self.__dict__.update(yaml.safe_load(open("x.yaml")))
value = C().x
""",
    "any attribute": """
import yaml
class C:
    x = 1
c = C()
for name, new in yaml.safe_load(open("x.yaml")).items():
    setattr(c, name, new)
value = c.x
""",
    "on one path": """
import os
class C:
    x = 1
c = C()
if os.environ.get("X"):
    c.__dict__["x"] = 5
value = c.x
""",
    "of which class": """
import os
class A:
    x = 1
class B:
    x = 5
a = A()
if os.environ.get("X"):
    a.__class__ = B
value = a.x
""",
    "names of an object that lists them": """
class C:
    def __dir__(self): return ["a"]
value = len(dir(C()))
""",
    "a key that may be missing": """
import os
class C(dict):
    def __missing__(self, key):
        self[key] = 2
        return 3
c = C(a=1)
c[os.environ["X"]]
value = len(c)
""",
    "too many defaults": """
def f(x=1): return x
f.__defaults__ = (1, 2, 3)
value = f()
""",
    "keywords that are none": """
def f(*, x=1): return x
f.__kwdefaults__ = 7
value = f()
""",
    "no defaults": """
def f(x=1): return x
f.__defaults__ = None
value = f()
""",
    "which defaults": """
import os
def f(x=1): return x
if os.environ.get("X"):
    f.__defaults__ = (5,)
value = f()
""",
    "by the kind of an argument": """
import functools
@functools.singledispatch
def f(x): return 1
@f.register
def _(x: int): return 5
value = f(2)
""",
    "items that a UserDict takes its own way": """
import collections
class C(collections.UserDict):
    def __setitem__(self, key, value): super().__setitem__(key, value + 1)
value = C(x=4)["x"]
""",
    "a queue that forgets": """
import collections
value = collections.deque([1, 5], maxlen=1)[0]
""",
}


def _script(body: str) -> str:
    return f"""
import argparse
{body}
parser = argparse.ArgumentParser()
parser.add_argument("--x", type=int, default=value)
parser.parse_args()
"""


@table("body", KNOWN)
def test_what_a_class_does_is_followed(tmp_path: Path, body: str) -> None:
    found = read(tmp_path, _script(KNOWN[body]))
    assert found.arguments[0].default == 5
    assert not found.notes


@table("body", UNKNOWN)
def test_what_cannot_be_followed_is_noted(tmp_path: Path, body: str) -> None:
    found = read(tmp_path, _script(UNKNOWN[body]))
    assert found.arguments[0].default is None
    assert found.notes


def test_what_an_object_works_with_is_not_what_is_loaded_into_it(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        """
import argparse, yaml
class Options:
    def __init__(self):
        self.parser = argparse.ArgumentParser()
        self.__dict__.update(yaml.safe_load(open("x.yaml")))
        self.declare()
    def declare(self):
        self.parser.add_argument("--x", type=int, default=5)
Options().parser.parse_args()
""",
    )
    assert [one.default for one in found.arguments] == [5]
