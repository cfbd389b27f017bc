"""Why registries refuse, and what to do then: one table, the first row that fits counts.

Rows are matched by status, by what was attempted, and by the words of the refusal, since registries
use one status for many reasons. The words are those of real registries.
"""

from typing import Final

from keynet.registry.http.refusals import Purpose, Refusal
from keynet.text import N_, _, fill

__all__ = ["refusal", "texts"]


def refusal(status: int, purpose: Purpose, words: str, *, anonymous: bool = False) -> Refusal:
    """Return the first row of the table that fits.

    Args:
        words: ``CODE: text``, either may be empty, and what the challenge says in a second line.
    """
    return next(row for row in _TABLE if row.fits(status, purpose, words, anonymous=anonymous))


def texts(found: Refusal, registry: str, login: str, later: str) -> tuple[str, str]:
    """Return reason and hint, translated and filled."""
    return (
        fill(_(found.reason), registry=registry),
        fill(_(found.hint), registry=registry, login=login, later=later),
    )


def _on(*statuses: int) -> frozenset[int]:
    return frozenset(statuses)


def _for(*purposes: Purpose) -> frozenset[Purpose]:
    return frozenset(purposes)


_LOGIN: Final = "{login}"
_PULL: Final = _for(Purpose.PULL)
_PUSH: Final = _for(Purpose.PUSH, Purpose.UPLOAD)
_NAME: Final = _for(Purpose.PUSH)
_DELETE: Final = _for(Purpose.DELETE)
_CHANGE: Final = _for(Purpose.PUSH, Purpose.UPLOAD, Purpose.DELETE)
_STORAGE: Final = _for(Purpose.STORAGE)
_DENIED: Final = _on(401, 403)
_SERVER: Final = frozenset(range(500, 600))

_IMMUTABLE: Final = (
    r"immutab|cannot be overwritten|tag .{0,200}already exists|protected (container )?tag"
    r"|does not allow updating|overwrit|tag .{0,60}(protected|exists)"
    r"|(tag|manifest|image|repository) .{0,60}\blocked"
)
_ABSENT: Final = (
    r"name_unknown|no such (project|repository|namespace|organi[sz]ation)"
    r"|(project|repository|repo|namespace|organi[sz]ation|registry)\b.{0,200}"
    r"(not found|(?<!may )not exist|n't exist|not known|unknown)"
)
_NOT_PERMITTED: Final = (
    r"insufficient|permission|not authorized|unauthorized to|requested access|\bscopes?\b"
    r"|not allowed to|access forbidden|access ?denied|^denied"
)

_TABLE: Final = (
    Refusal(
        N_("the registry throttles requests"),
        N_("Sign in, which many registries reward with a higher limit. {later}"),
        _on(403, 429, 503),
        words=r"(unauthenticated|anonymous).{0,80}(limit|requests)",
    ),
    Refusal(N_("the registry throttles requests"), "{later}", _on(429)),
    Refusal(
        N_("the registry throttles requests"),
        "{later}",
        _on(403, 503),
        words=r"rate[- ]?limit|too ?many ?requests|throttl|slow ?down",
    ),
    Refusal(
        N_("it expects https"),
        N_("Write the registry's address with https:// in front, or without a scheme."),
        _on(400, 497),
        words=r"http request (was )?(sent )?to (an )?https|plain http request",
    ),
    Refusal(
        N_("it is too large for the registry"),
        N_("Ask the registry's owner to raise the limit on the size of requests."),
        _on(413),
        words=r"^(?!.*quota)",
    ),
    Refusal(
        N_("the project's storage quota is used up"),
        N_("Delete images that are not needed, or ask the registry's owner for space."),
        words=r"quota|will exceed|exceed.{0,80}(limit|storage|capacity)|no space left"
        r"|insufficient storage|storage (limit|is full)|disk (is )?full|out of (disk )?space",
    ),
    Refusal(
        N_("the project's storage quota is used up"),
        N_("Delete images that are not needed, or ask the registry's owner for space."),
        _on(507),
    ),
    Refusal(
        N_("the registry is in read-only mode"),
        N_("Try again when its owner has ended that mode: clean-up, an update or an archive."),
        words=r"^(?!.*\b(token|account|user|credentials?)\b).*read[- _]?only"
        r"|(push|write)\w* .{0,60}(disabled|suspended)|maintenance|\barchived\b|\bfrozen\b",
        purposes=_CHANGE,
    ),
    Refusal(
        N_("the project is filled from another registry"),
        N_("Use a project or repository of your own: this one only caches or mirrors."),
        words=r"proxy[- ](cache|project|repositor|registr)|pull[- ]?through|cache[- ]only"
        r"|(remote|virtual) repositor|mirror(ed)? (project|repositor|mode)"
        r"|(project|repositor\w*) .{0,60}\b(proxy|mirror|cache)|deploying to groups",
        purposes=_CHANGE,
    ),
    Refusal(
        N_("the tag is immutable and already in use"),
        N_("Choose another tag, or ask the project's owner to lift the rule."),
        words=_IMMUTABLE,
        purposes=_PUSH,
    ),
    Refusal(
        N_("a rule protects the tag"),
        N_("Ask the project's owner to lift the rule."),
        words=_IMMUTABLE,
        purposes=_DELETE,
    ),
    Refusal(
        N_("a policy of the project requires signed images"),
        N_("Sign the image, with cosign for instance, or ask the project's administrator."),
        words=r"not (been )?signed|unsigned|cosign|notary|content[- ]trust"
        r"|signature (verification|required)|untrusted image",
    ),
    Refusal(
        N_("a policy of the project forbids this image"),
        N_("Ask the project's administrator about the policy, or use an image without findings."),
        words=r"policy ?violation|vulnerab|severity|xray|(blocking|configured|security) policy"
        r"|quarantin|not (been )?scanned",
    ),
    Refusal(
        N_("the tag is immutable and already in use"),
        N_("Choose another tag, or ask the project's owner to lift the rule."),
        _on(412),
        _NAME,
        words=r"^\w*: *\n",
    ),
    Refusal(
        N_("a condition of the project is not met"),
        N_("Ask the project's administrator about its policies."),
        _on(412),
    ),
    Refusal(
        N_("the account's plan does not cover it"),
        N_("Check the plan and the bills of the account on the registry's web page."),
        words=r"billing|payment required|subscription|licen[cs]e .{0,40}(expired|invalid)",
        statuses=_on(401, 402, 403),
    ),
    Refusal(
        N_("the account's plan does not cover it"),
        N_("Check the plan and the bills of the account on the registry's web page."),
        _on(402),
    ),
    Refusal(
        N_("it is withheld for legal reasons"),
        N_("Ask the registry's owner, or use another image."),
        _on(451),
    ),
    Refusal(
        N_("the storage that the registry redirects to refuses the request"),
        N_("Try again, and check this machine's clock and any proxy; then tell the owner."),
        _on(400, 401, 403, 404),
        _STORAGE,
    ),
    Refusal(
        N_("the registry saw no credentials and takes the request for a browser's"),
        N_("Check the registry's address, and that a proxy passes credentials on. {login}"),
        _DENIED,
        words="csrf",
    ),
    Refusal(
        N_("the account has to sign in with an access token"),
        N_("Make a token on the registry's web page, allowed for the organisation. {login}"),
        _DENIED,
        words=r"two[- ]?factor|\b2fa\b|\bmfa\b|\bsaml\b|\bsso\b|token instead of a password",
    ),
    Refusal(
        N_("the account is disabled or locked"),
        N_("Ask the registry's owner, or use another account. {login}"),
        _DENIED,
        words=r"(account|user|robot)\b.{0,60}\b(disabled|suspended|locked|deactivated|blocked)",
    ),
    Refusal(
        N_("this machine's network may not use the registry"),
        N_("Ask the registry's owner to let its address in, or use the network that is let in."),
        _DENIED,
        words=r"\bip\b.{0,80}(not allowed|not permitted|denied|blocked)|ip[- ]allow|firewall",
    ),
    Refusal(
        N_("the credentials have expired or are no longer valid"),
        _LOGIN,
        _on(400, 401, 403),
        words=r"expired|no longer valid|invalid_token",
    ),
    Refusal(
        N_("tags still point to it"),
        N_("Remove its tags on the registry's web page first, then delete it."),
        purposes=_DELETE,
        words=r"dangling_tag|referenced by (one or more )?tag",
    ),
    Refusal(
        N_("something else in the registry refers to it"),
        N_("Delete first what refers to it, such as the index of a multi-platform image."),
        purposes=_DELETE,
        words=r"dangling|referenced|in use by|manifest list",
    ),
    Refusal(
        N_("the registry does not allow deletion"),
        N_("Ask its owner to enable deletion, or delete on its web page or by its own API."),
        purposes=_DELETE,
        words=r"unsupported|delet\w* .{0,80}(disabled|not (enabled|allowed|supported))",
    ),
    Refusal(
        N_("the registry does not allow deletion"),
        N_("Ask its owner to enable deletion, or delete on its web page or by its own API."),
        _on(405, 501),
        _DELETE,
    ),
    Refusal(
        N_("the image has a manifest of schema 1, Docker's format of before 2016"),
        N_("Convert it once: skopeo copy --format oci docker://OLD docker://NEW"),
        purposes=_PULL,
        words=r"schema[ -]?(version)?[ -]?v?1\b|prettyjws",
    ),
    Refusal(
        N_("the registry has lost the upload"),
        N_("Push again. If that does not help, its servers do not share uploads: tell its owner."),
        _on(404),
        _PUSH,
        words="blob_upload_unknown",
    ),
    Refusal(
        N_("the registry lacks content that the manifest names"),
        N_("Push again. If that does not help, its storage loses content: tell its owner."),
        _on(400, 404),
        _PUSH,
        words="blob_unknown",
    ),
    Refusal(
        N_("the project or repository does not exist there"),
        N_("Create the project or repository in the registry first, or correct its name."),
        _on(400, 401, 403, 404),
        _PUSH,
        words=_ABSENT,
    ),
    Refusal(
        N_("the project or repository does not exist there"),
        N_(
            "Create the project or repository in the registry first, or correct its name "
            "and the registry's address."
        ),
        _on(404),
        _PUSH,
    ),
    Refusal(
        N_("the name is not one that the registry takes"),
        N_("Correct it: many registries require a project in front, and lower-case letters."),
        words="name_invalid|invalid repository name",
    ),
    Refusal(
        N_("the tag is not one that the registry takes"),
        N_("Choose another tag."),
        purposes=_PUSH,
        words="^tag_invalid",
    ),
    Refusal(
        N_("the content arrived altered"),
        N_("Push again. If that does not help, a proxy in between alters content."),
        _on(400),
        _PUSH,
        words="digest_invalid|size_invalid",
    ),
    Refusal(
        N_("the registry does not take this kind of manifest"),
        N_("Ask its owner to update it: older ones do not take OCI images or artifacts."),
        _on(400, 403, 404, 406, 415, 422),
        _PUSH,
        words=r"manifest_invalid|media ?type|unsupported|artifact type",
    ),
    Refusal(N_("it asks for credentials"), _LOGIN, _on(401), anonymous=True),
    Refusal(
        N_("anonymous users lack the permission"),
        _LOGIN,
        _on(403),
        words=_NOT_PERMITTED,
        anonymous=True,
    ),
    Refusal(
        N_("the account lacks the permission"),
        N_("Ask the project's owner for it, or use another account. {login}"),
        _DENIED,
        words=_NOT_PERMITTED,
    ),
    Refusal(
        N_("the registry refuses the credentials: wrong, expired or revoked"), _LOGIN, _on(401)
    ),
    Refusal(
        N_("the registry, or a gateway in front of it, forbids it"),
        N_("Ask the registry's owner. {login}"),
        _on(403),
        words=r"^: [^\n]",
    ),
    Refusal(N_("anonymous users lack the permission"), _LOGIN, _on(403), anonymous=True),
    Refusal(
        N_("the account lacks the permission, was revoked, or its quota is used up"),
        _LOGIN,
        _on(403),
        _PUSH,
    ),
    Refusal(N_("the account lacks the permission, or was revoked"), _LOGIN, _on(403)),
    Refusal(
        N_("it does not exist"),
        N_(
            "Check the name, the tag and the registry; some registries hide what an account "
            "may not read."
        ),
        _on(404, 410),
    ),
    Refusal(
        N_("the registry does not take pushes here"),
        N_("Check the registry's address: a web page, a cache or a mirror takes none."),
        _on(405, 501),
        _PUSH,
    ),
    Refusal(
        N_("the registry does not allow this operation"),
        N_("Check the registry's address, and any proxy in front of it."),
        _on(405, 501),
    ),
    Refusal(
        N_("something else changes it at the same time"),
        N_("Try again when the other client has finished."),
        _on(409, 423),
    ),
    Refusal(
        N_("the request's headers are too long for the registry"),
        N_("Use an account with fewer groups or a shorter token, or ask for a higher limit."),
        _on(414, 431),
    ),
    Refusal(
        N_("the network requires a sign-in first"),
        N_("Open a web page on this machine and sign in to the network."),
        _on(511),
    ),
    Refusal(
        N_("a gateway in front of the registry gets no answer from it"),
        N_("{later} If it goes on, tell the registry's owner."),
        _on(502, 504, *range(520, 531)),
    ),
    Refusal(
        N_("the registry is not available now"),
        N_("{later} If it goes on, tell the registry's owner."),
        _on(503),
    ),
    Refusal(
        N_("the registry failed"),
        N_("{later} The registry's own log has the cause."),
        _SERVER,
    ),
    Refusal(
        N_("the registry redirects to an unexpected place"),
        N_("Check the registry's URL."),
        frozenset(range(300, 400)),
    ),
    Refusal(
        N_("the registry refuses the request"),
        N_("Check the address and the names. The registry's owner finds the cause in its log."),
    ),
)
