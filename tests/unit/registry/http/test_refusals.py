"""The texts of real registries, and the reason and the hint that they get."""

import json
import re
from dataclasses import dataclass

import pytest

from keynet.errors import NotFound, RegistryDenied, RegistryError
from keynet.registry.http.refusal_table import refusal
from keynet.registry.http.refusals import Purpose, purpose_of
from keynet.registry.http.status_errors import failure
from tests.tables import table

PULL, PUSH, DELETE = "GET manifests", "POST uploads", "DELETE manifests"
URLS = {
    "GET manifests": ("GET", "https://registry.example.com/v2/team/app/manifests/1"),
    "PUT manifests": ("PUT", "https://registry.example.com/v2/team/app/manifests/1"),
    "POST uploads": ("POST", "https://registry.example.com/v2/team/app/blobs/uploads/"),
    "DELETE manifests": ("DELETE", "https://registry.example.com/v2/team/app/manifests/sha256:0"),
    "GET root": ("GET", "https://registry.example.com/v2/"),
}
HARBOR_QUOTA = (
    "adding 5.6 MiB of storage resource, which when updated to current usage of 4.7 MiB will "
    "exceed the configured upper limit of 10.0 MiB."
)


@dataclass(frozen=True)
class Case:
    registry: str
    request: str
    status: int
    code: str
    text: str
    reason: str
    hint: str
    never: str = "^$"


SIGN_IN = "sign in again"
REAL = [
    Case("Harbor", PUSH, 403, "DENIED", "Quota exceeded when processing the request of "
         + HARBOR_QUOTA, "quota", "space", "sign in|lift"),
    Case("Harbor", PUSH, 403, "DENIED", HARBOR_QUOTA, "quota", "space", "sign in"),
    Case("Harbor", PUSH, 403, "DENIED",
         "The system is in read only mode. Any modification is prohibited.",
         "read-only", "ended that mode", "sign in|quota|space"),
    Case("Harbor", DELETE, 403, "DENIED", "Upload/Delete is prohibited in read only mode.",
         "read-only", "ended that mode", "sign in"),
    Case("Harbor", PUSH, 403, "DENIED", "can not push artifact to a proxy project: hub",
         "another registry", "of your own", "deletion|sign in"),
    Case("Harbor", PUSH, 405, "METHOD_NOT_ALLOWED",
         "can not push artifact to a proxy project: hub", "another registry", "of your own",
         "deletion"),
    Case("Harbor", PULL, 412, "PROJECTPOLICYVIOLATION",
         "current image with 3 vulnerabilities cannot be pulled due to configured policy in "
         "'Prevent images with vulnerability severity of \"High\" or higher from running.' To "
         "continue with pull, please contact your project administrator",
         "forbids this image", "administrator", "immutable|another tag"),
    Case("Harbor", PULL, 412, "PROJECTPOLICYVIOLATION", "The image is not signed by cosign.",
         "signed images", "cosign", "immutable|another tag"),
    Case("Harbor", PULL, 412, "PROJECTPOLICYVIOLATION", "The image is not signed in Notary.",
         "signed images", "administrator", "immutable|another tag"),
    Case("Harbor", "PUT manifests", 412, "PRECONDITION",
         "Failed to process request due to 'app:1' configured as immutable.",
         "immutable", "another tag"),
    Case("Harbor", DELETE, 412, "PRECONDITION",
         "Failed to process request due to 'app:1' configured as immutable.",
         "protects the tag", "owner", "another tag"),
    Case("Harbor", "PUT manifests", 412, "", "", "immutable", "another tag"),
    Case("Harbor", PULL, 412, "", "", "condition", "administrator", "tag"),
    Case("Harbor", PUSH, 412, "", "", "condition", "administrator", "tag"),
    Case("Harbor", PUSH, 404, "NOT_FOUND", "project team not found", "does not exist", "Create"),
    Case("Harbor", PUSH, 401, "UNAUTHORIZED", "project team not found",
         "does not exist", "Create", "sign in"),
    Case("Harbor", PUSH, 401, "UNAUTHORIZED",
         "unauthorized to access repository: team/app, action: push: unauthorized to access "
         "repository: team/app, action: push", "lacks the permission", SIGN_IN, "expired"),
    Case("Harbor", PUSH, 403, "FORBIDDEN", "CSRF token not found in request",
         "no credentials", "address", "quota"),
    Case("Harbor", PUSH, 403, "", "", "revoked, or its quota", SIGN_IN),
    Case("Harbor", PULL, 403, "", "", "permission, or was revoked", SIGN_IN, "quota"),
    Case("ECR", PUSH, 404, "NAME_UNKNOWN",
         "The repository with name 'team/app' does not exist in the registry with id "
         "'123456789012'", "does not exist", "Create the project or repository"),
    Case("ECR", "PUT manifests", 400, "TAG_INVALID",
         "The image tag 'latest' already exists in the 'app' repository and cannot be overwritten "
         "because the repository is immutable.", "immutable", "another tag"),
    Case("ECR", PUSH, 403, "DENIED",
         "Your authorization token has expired. Reauthenticate and try again.",
         "expired", SIGN_IN, "quota|owner"),
    Case("ECR", PUSH, 403, "DENIED",
         "User: arn:aws:iam::123456789012:user/kim is not authorized to perform: "
         "ecr:InitiateLayerUpload on resource: arn:aws:ecr:eu-west-1:123456789012:repository/app "
         "because no identity-based policy allows the ecr:InitiateLayerUpload action",
         "lacks the permission", "owner", "quota"),
    Case("ECR", PULL, 429, "TOOMANYREQUESTS", "Rate exceeded", "throttles", "later"),
    Case("ECR", PUSH, 405, "UNSUPPORTED", "Invalid parameter", "does not take pushes", "address",
         "delet"),
    Case("Artifact Registry", PUSH, 403, "DENIED",
         "Permission \"artifactregistry.repositories.uploadArtifacts\" denied on resource "
         "\"projects/p/locations/europe/repositories/r\" (or it may not exist)",
         "lacks the permission", "owner", "quota|Create"),
    Case("Artifact Registry", PUSH, 404, "NAME_UNKNOWN", 'Repository "r" not found',
         "does not exist", "Create"),
    Case("Artifact Registry", DELETE, 400, "GOOGLE_MANIFEST_DANGLING_TAG",
         "Manifest is still referenced by one or more tags", "tags still point", "tags"),
    Case("Container Registry", DELETE, 400, "GOOGLE_MANIFEST_DANGLING_TAG",
         "Manifest is still referenced by tag: cdd65fd", "tags still point", "tags"),
    Case("Artifact Registry", DELETE, 400, "GOOGLE_MANIFEST_DANGLING_PARENT_IMAGE",
         "Manifest is still referenced by one or more parent images", "refers to it", "index"),
    Case("Artifact Registry", PULL, 429, "RESOURCE_EXHAUSTED",
         "Quota exceeded for quota metric 'Requests per project per minute'",
         "throttles", "later", "space"),
    Case("Docker Hub", PULL, 429, "TOOMANYREQUESTS",
         "You have reached your unauthenticated pull rate limit. "
         "https://www.docker.com/increase-rate-limit", "throttles", "Sign in.*later"),
    Case("Docker Hub", PULL, 429, "TOOMANYREQUESTS",
         "You have reached your pull rate limit. You may increase the limit by authenticating and "
         "upgrading: https://www.docker.com/increase-rate-limit", "throttles", "later"),
    Case("Docker Hub", PUSH, 401, "DENIED", "requested access to the resource is denied",
         "lacks the permission", SIGN_IN, "revoked"),
    Case("Docker Hub", PULL, 401, "UNAUTHORIZED", "access token has insufficient scopes",
         "lacks the permission", "another account"),
    Case("Docker Hub", "GET root", 401, "UNAUTHORIZED", "incorrect username or password",
         "refuses the credentials", SIGN_IN),
    Case("Docker Hub", "GET root", 401, "UNAUTHORIZED", "personal access token is expired",
         "expired", SIGN_IN),
    Case("Docker Hub", DELETE, 405, "UNSUPPORTED", "The operation is unsupported.",
         "does not allow deletion", "web page"),
    Case("Container registry of GitHub", PUSH, 403, "DENIED", "permission_denied: write_package",
         "lacks the permission", "owner", "quota"),
    Case("Container registry of GitHub", PUSH, 403, "DENIED",
         "permission_denied: The token provided does not match expected scopes.",
         "lacks the permission", "owner"),
    Case("Container registry of GitHub", PUSH, 403, "DENIED",
         "installation not allowed to Create organization package",
         "lacks the permission", "owner"),
    Case("Container registry of GitHub", PUSH, 403, "DENIED",
         "Resource protected by organization SAML enforcement. You must grant your Personal "
         "Access token access to this organization.", "access token", "organisation"),
    Case("Container registry of GitHub", DELETE, 405, "UNSUPPORTED",
         "The operation is unsupported.", "does not allow deletion", "web page", "push"),
    Case("GitLab", "GET root", 403, "DENIED", "access forbidden", "lacks the permission", SIGN_IN),
    Case("GitLab", "GET root", 401, "UNAUTHORIZED",
         "HTTP Basic: Access denied. If a password was provided for Git authentication, the "
         "password was incorrect or you're required to use a token instead of a password. If a "
         "token was provided, it was either incorrect, expired, or improperly scoped.",
         "access token", "token on the registry's web page"),
    Case("GitLab", PUSH, 403, "DENIED",
         "Your action is denied: the tag is a protected container tag", "immutable", "lift"),
    Case("Quay", PUSH, 405, "METHOD NOT ALLOWED",
         "System is currently read-only. Pulls will succeed but all write operations are "
         "currently suspended.", "read-only", "ended that mode", "delet|sign in"),
    Case("Quay", PUSH, 405, "METHOD NOT ALLOWED",
         "Pushes to the registry are currently disabled. Please contact the administrator for "
         "more information.", "read-only", "ended that mode", "delet"),
    Case("Quay", PUSH, 401, "UNAUTHORIZED", "access to the requested resource is not authorized",
         "lacks the permission", SIGN_IN),
    Case("Quay", PUSH, 403, "DENIED", "Quota has been exceeded on namespace", "quota", "space"),
    Case("Quay", "PUT manifests", 415, "MANIFEST_INVALID", "manifest invalid",
         "kind of manifest", "update"),
    Case("Quay", PUSH, 403, "DENIED", "Repository is in read-only state", "read-only",
         "ended that mode", "sign in"),
    Case("Quay", PUSH, 403, "DENIED", "repository team/app is a mirror", "another registry",
         "of your own", "sign in"),
    Case("GitLab", PUSH, 503, "UNAVAILABLE", "the registry is undergoing maintenance",
         "read-only", "ended that mode"),
    Case("Gitea", PUSH, 403, "", "the repository is archived", "read-only", "ended that mode"),
    Case("Azure", "PUT manifests", 405, "DENIED", "the tag 1 is locked", "immutable",
         "another tag"),
    Case("Azure", PUSH, 403, "DENIED", "registry storage usage exceeds the limit of the tier",
         "quota", "space", "sign in"),
    Case("Artifactory", PUSH, 403, "DENIED", "cannot deploy to a virtual repository",
         "another registry", "of your own"),
    Case("Harbor", "GET root", 401, "UNAUTHORIZED", "the robot account is disabled", "disabled",
         "owner"),
    Case("Docker Hub", "GET root", 401, "UNAUTHORIZED", "your account is locked", "locked",
         "owner"),
    Case("anyone", PUSH, 404, "", "no such project: team", "does not exist", "Create"),
    Case("anyone", PULL, 403, "DENIED", "image signature verification failed", "signed images",
         "cosign"),
    Case("anyone", PUSH, 413, "SIZE_INVALID", "request exceeds the limit", "too large", "limit"),
    Case("zot", PUSH, 507, "", "", "quota", "space"),
    Case("zot", "PUT manifests", 404, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry",
         "lacks content", "Push again", "Create"),
    Case("zot", PUSH, 404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry",
         "lost the upload", "Push again", "Create"),
    Case("zot", DELETE, 405, "", "", "does not allow deletion", "enable deletion"),
    Case("zot", DELETE, 405, "DENIED", "manifest is referenced by an index image",
         "refers to it", "index"),
    Case("Gitea", PUSH, 404, "NAME_UNKNOWN", "repository name not known to registry",
         "does not exist", "Create"),
    Case("Gitea", PUSH, 403, "DENIED", "requested access to the resource is denied",
         "lacks the permission", SIGN_IN),
    Case("Nexus", PUSH, 400, "", "Repository does not allow updating assets: images",
         "immutable", "another tag"),
    Case("Nexus", PUSH, 403, "DENIED", "Deploying to groups is a PRO-licensed feature. See "
         "https://links.sonatype.com", "another registry", "of your own"),
    Case("Nexus", PUSH, 401, "UNAUTHORIZED", "access to the requested resource is not authorized",
         "lacks the permission", SIGN_IN),
    Case("Artifactory", PULL, 403, "DENIED",
         "Artifact download request rejected: manifest.json was not downloaded due to the download "
         "blocking policy configured in Xray for docker-local.", "forbids this image",
         "administrator", "sign in"),
    Case("Artifactory", PUSH, 403, "DENIED",
         "Not enough permissions to delete/overwrite artifact 'docker-local:app/1/manifest.json'",
         "immutable", "another tag"),
    Case("Artifactory", PUSH, 404, "NAME_UNKNOWN", "Repository does not exist: docker-locl",
         "does not exist", "Create"),
    Case("Azure", PULL, 403, "DENIED",
         "client with IP '203.0.113.7' is not allowed access. Refer "
         "https://aka.ms/acr/firewall to grant access.", "network", "let in", "sign in"),
    Case("Azure", PULL, 403, "DENIED", "image is quarantined", "forbids this image",
         "administrator"),
    Case("docker-registry", DELETE, 405, "UNSUPPORTED", "The operation is unsupported.",
         "does not allow deletion", "enable deletion"),
    Case("docker-registry", PUSH, 405, "", "Method not allowed", "does not take pushes",
         "address", "delet"),
    Case("docker-registry", PUSH, 500, "UNKNOWN",
         "filesystem: write /var/lib/registry/x: no space left on device", "quota", "space"),
    Case("docker-registry", PUSH, 400, "DIGEST_INVALID",
         "provided digest did not match uploaded content", "altered", "proxy"),
    Case("docker-registry", PUSH, 400, "NAME_INVALID", "invalid repository name", "name",
         "lower-case"),
    Case("docker-registry", PULL, 404, "MANIFEST_UNKNOWN", "manifest unknown", "does not exist",
         "hide"),
    Case("docker-registry", PULL, 404, "MANIFEST_UNKNOWN",
         "schema 1 manifest found, but not supported", "schema 1", "skopeo"),
    Case("docker-registry", PULL, 401, "UNAUTHORIZED", "authentication required",
         "refuses the credentials", SIGN_IN),
    Case("nginx", PUSH, 413, "", "413 Request Entity Too Large; nginx", "too large", "limit"),
    Case("nginx", PULL, 400, "",
         "400 The plain HTTP request was sent to HTTPS port", "https", "https://"),
    Case("Go", PULL, 400, "", "Client sent an HTTP request to an HTTPS server.", "https",
         "https://"),
    Case("nginx", PULL, 502, "", "502 Bad Gateway; nginx", "gateway", "later"),
    Case("nginx", PULL, 503, "", "503 Service Temporarily Unavailable; nginx", "not available",
         "later"),
    Case("nginx", PULL, 504, "", "504 Gateway Time-out; nginx", "gateway", "later"),
    Case("Cloudflare", PULL, 522, "", "Connection timed out", "gateway", "later"),
    Case("a firewall", PULL, 403, "", "Blocked by rule 42: ask the helpdesk", "gateway", "owner"),
    Case("a gateway", PUSH, 403, "", "Rate limit exceeded", "throttles", "later", "sign in"),
    Case("a gateway", PUSH, 402, "", "", "plan", "bills"),
    Case("a gateway", PULL, 403, "DENIED", "your subscription has ended", "plan", "bills"),
    Case("a gateway", PULL, 451, "", "", "legal", "another image"),
    Case("a gateway", PULL, 431, "", "Request Header Fields Too Large", "headers", "token"),
    Case("a hotel", PULL, 511, "", "Sign in to the network", "network", "web page"),
    Case("anyone", PULL, 409, "", "", "at the same time", "finished"),
    Case("anyone", PULL, 418, "", "", "refuses the request", "owner"),
    Case("anyone", PULL, 500, "", "", "failed", "log"),
    Case("anyone", PULL, 302, "", "", "redirects", "URL"),
]  # fmt: skip


@table("case", REAL)
def test_reason_and_hint_fit_what_the_registry_says(case: Case) -> None:
    named = {"code": case.code} if case.code else {}
    body = json.dumps({"errors": [{**named, "message": case.text}]}).encode()
    method, url = URLS[case.request]
    error = failure(
        case.status, {}, body, "do it", "registry.example.com", purpose=purpose_of(method, url)
    )
    assert case.reason in error.message
    assert re.search(case.hint, error.hint, re.IGNORECASE), error.hint
    own = error.message.partition(" (")[0] + error.hint
    assert not re.search(case.never, own, re.IGNORECASE), own
    assert case.text.rstrip(".") in error.message
    assert (error.code, error.said, error.status) == (
        case.code, case.text.rstrip("."), case.status,
    )  # fmt: skip
    denied = case.status in (401, 403) and SIGN_IN in error.hint.lower()
    assert isinstance(error, RegistryDenied) is denied
    assert isinstance(error, NotFound) is (case.status == 404)


@pytest.mark.parametrize("text", ["will exceed the quota", "the system is in read only mode"])
def test_what_no_sign_in_changes_is_not_denied(text: str) -> None:
    error = failure(403, {}, text.encode(), "do it", "registry.example.com", purpose=Purpose.PUSH)
    assert type(error) is RegistryError
    assert error.exit_status == 5


@table("purpose", Purpose)
def test_every_status_has_a_reason_and_a_hint(purpose: Purpose) -> None:
    for status in range(300, 600):
        error = failure(status, {}, b"", "do it", "registry.example.com", purpose=purpose)
        assert error.hint
        assert error.message.endswith(f"({status}).")
        assert "{" not in error.message + error.hint
        assert refusal(status, purpose, ": \n").reason


@pytest.mark.parametrize(
    ("challenge", "reason"),
    [
        ('Bearer realm="x",error="insufficient_scope"', "lacks the permission"),
        ("Bearer realm=x, error=invalid_token", "expired or are no longer valid"),
        ('Bearer realm="x"', "wrong, expired or revoked"),
    ],
)
def test_a_challenge_tells_permission_from_expiry(challenge: str, reason: str) -> None:
    body = b'{"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]}'
    error = failure(401, {"www-authenticate": challenge}, body, "do it", "registry.example.com")
    assert reason in error.message


@table(
    ("status", "text", "reason", "hint"),
    [
        (401, "authentication required", "asks for credentials", "sign in first"),
        (401, "access to the requested resource is not authorized", "asks for", "sign in first"),
        (
            403,
            "requested access to the resource is denied",
            "anonymous users lack",
            "sign in first",
        ),
        (403, "", "anonymous users lack", "sign in first"),
        (403, "Blocked by rule 42", "gateway", "owner"),
        (403, "will exceed the quota", "quota", "space"),
        (429, "pull rate limit", "throttles", "later"),
        (404, "not found", "does not exist", "hide"),
    ],
)
def test_who_sent_no_credentials_is_told_so(status: int, text: str, reason: str, hint: str) -> None:
    error = failure(status, {}, text.encode(), "do it", "registry.example.com", anonymous=True)
    assert reason in error.message
    assert hint in error.hint
    assert "revoked" not in error.message + error.hint


def test_a_storage_behind_the_registry_is_not_the_registry() -> None:
    body = b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
    error = failure(403, {}, body, "do it", "registry.example.com", purpose=Purpose.STORAGE)
    assert "storage" in error.message
    assert "Request has expired" in error.message
    assert "clock" in error.hint


@table(
    ("method", "path", "purpose"),
    [
        ("GET", "/v2/", Purpose.OTHER),
        ("GET", "/v2/_catalog?n=1", Purpose.OTHER),
        ("GET", "/token?scope=repository:a/blobs/x:pull", Purpose.OTHER),
        ("HEAD", "/v2/a/b/manifests/1", Purpose.PULL),
        ("GET", "/v2/a/tags/list", Purpose.PULL),
        ("GET", "/v2/a/referrers/sha256:0", Purpose.PULL),
        ("PUT", "/v2/a/manifests/1", Purpose.PUSH),
        ("POST", "/v2/a/blobs/uploads/?mount=x", Purpose.UPLOAD),
        ("PATCH", "/v2/a/blobs/uploads/7", Purpose.UPLOAD),
        ("GET", "/v2/a/blobs/uploads/7", Purpose.UPLOAD),
        ("DELETE", "/v2/a/blobs/uploads/7", Purpose.UPLOAD),
        ("DELETE", "/v2/a/manifests/sha256:0", Purpose.DELETE),
        ("DELETE", "/v2/a/blobs/sha256:0", Purpose.DELETE),
    ],
)
def test_a_requests_purpose_is_in_its_method_and_path(
    method: str, path: str, purpose: Purpose
) -> None:
    assert purpose_of(method, f"https://registry.example.com{path}") is purpose
