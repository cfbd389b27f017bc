"""Compare and split the addresses of platforms and registries."""

from urllib.parse import urlsplit

from keynet.errors import UsageError, ValidationError
from keynet.oci.reference import Reference
from keynet.text import _, fill, printable

__all__ = ["registry_host", "same_server"]


def registry_host(url: str) -> tuple[str, str]:
    """Split a URL, or a bare host, into scheme and host[:port].

    Raises:
        UsageError: It is neither, or has a user name.
    """
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        if parts.scheme in ("http", "https") and "@" not in parts.netloc:
            return parts.scheme, Reference(parts.netloc, "any").registry
    except (ValueError, ValidationError) as e:
        raise _no_registry(url) from e
    raise _no_registry(url)


def _no_registry(url: str) -> UsageError:
    return UsageError(
        fill(_("The registry's address {url!r} cannot be used."), url=printable(url, 200)),
        _("Set KEYNET_HARBOR_URL to an address such as https://harbor.example.com."),
    )


def same_server(one: str | None, other: str | None) -> bool:
    """Report whether two URLs are the same server; an empty one equals none."""
    return bool(one) and _normalised(one or "") == _normalised(other or "")


def _normalised(url: str) -> str:
    """Return a URL with a lower-case host, no default port and no slash at the end."""
    try:
        parts = urlsplit(url.strip() if "://" in url else f"https://{url.strip()}")
        port = parts.port
    except ValueError:
        return url
    default = {"http": 80, "https": 443}.get(parts.scheme)
    host = (parts.hostname or "") + (f":{port}" if port and port != default else "")
    at = parts.netloc.rpartition("@")[0]
    return f"{parts.scheme}://{at}@{host}{parts.path.rstrip('/')}?{parts.query}#{parts.fragment}"
