"""The builder without an engine as one that ``choosing`` can take: it works on every host."""

from keynet.direct.direct_abilities import NAME, unsupported
from keynet.frozen import frozen
from keynet.oci import platform as platforms
from keynet.plan import BuildPlan, RegistryAccess
from keynet.runtime.engine import AnyBuilder, Unusable
from keynet.text import _

__all__ = ["DirectCandidate"]


@frozen
class DirectCandidate:
    """The builder for one plan: what the plan needs decides whether it can be used.

    ``access`` is to the platform's registry, which may be a mirror of others.

    ``installed`` is False: there is no program of which to say why it is skipped.
    """

    plan: BuildPlan
    access: RegistryAccess | None = None
    name: str = NAME
    installed: bool = False

    def remembered(self) -> None:
        """Return nothing: there is no trial to remember."""
        return

    def probe(self) -> AnyBuilder | Unusable:
        """Return the builder, or what of the plan needs an engine."""
        reasons = unsupported(self.plan)
        if reasons:
            return Unusable(
                NAME,
                "; ".join(reasons),
                _("Use an engine for this: --builder docker, podman or buildah."),
            )
        # With the registry client and all that makes layers: 0.1 s that other builders do not need.
        from keynet.direct.base.known_bases import KnownBases
        from keynet.direct.direct_builder import Direct

        wanted = self.plan.platforms[0] if self.plan.platforms else platforms.host()
        return Direct(bases=KnownBases(wanted, self.access))
