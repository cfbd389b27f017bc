"""What follows from a refusal in an upload: the same again, another way of sending, or the error.

Nothing here makes a request.
"""

from typing import Final

from keynet.errors import RegistryDenied, RegistryError
from keynet.registry.http.exchange import Answer
from keynet.registry.transfer.blob_policy import BlobPolicy, means_size, refuses_form
from keynet.registry.transfer.upload_requests import Interruption

__all__ = ["STUCK", "Outcome", "Verdicts"]

# After so many failures in a row without progress, the next request is another one.
STUCK: Final = 3

# What to raise: an error that ends the upload, or an interruption after which it goes on.
Outcome = RegistryError | Interruption

_LOST_SESSION: Final = frozenset({400, 404, 410})
# So often may the registry contradict itself before it is given whole blobs.
_CONTRADICTIONS: Final = 2


class Verdicts:
    """Judge the refusals of one blob's upload; what concerns the registry goes to its policy."""

    def __init__(self, policy: BlobPolicy, blob_size: int) -> None:
        self._policy = policy
        self._blob_size = blob_size
        self._digest_refused = False
        self._lost_session = self._lost_at_commit = False
        self._contradictions = 0
        self._failed_closings = 0

    def progressed(self) -> None:
        """Take note that the registry took more than ever before."""
        self._lost_session = False

    def refused_chunk(
        self, answer: Answer, error: RegistryError, start: int, size: int, least: int
    ) -> Outcome:
        """Judge a chunk that was refused for another reason than its place.

        Args:
            start: Where the chunk begins in the blob.
            least: The smallest chunk that the registry takes.
        """
        if means_size(answer, error.code) or answer.status == 416:
            self._policy.refuse_size(size, least=least)
            return Interruption(error, restart=not start, adapted=True)
        if not refuses_form(answer):
            return error
        known = start > 0 or self._policy.accepted > 0
        if known and answer.status in _LOST_SESSION and not self._lost_session:
            # The upload session may just have been lost: once is believed.
            self._lost_session = True
            return Interruption(error, restart=True)
        return self.without_chunks(error)

    def refused_commit(
        self, answer: Answer, error: RegistryError, size: int, least: int
    ) -> Outcome:
        """Judge a PUT that was refused.

        Args:
            size: Bytes in it: those of the whole blob, or 0 where chunks went before.
        """
        closing = size < self._blob_size
        if error.code == "DIGEST_INVALID":
            # The source has the digest, so bytes changed on their way: try once more. Where
            # ranges cannot be believed, chunks are the more likely reason.
            again = not self._digest_refused and not (closing and self._policy.ranges_lie)
            self._digest_refused = True
            if again:
                return Interruption(error, restart=True, committing=True)
            return self.without_chunks(error) if closing else error
        if closing and answer.status == 416:
            return self.contradicted(error, restart=False, committing=True)
        if answer.status in _LOST_SESSION and not self._lost_at_commit:
            self._lost_at_commit = True
            return Interruption(error, restart=True, committing=True)
        refused = refuses_form(answer) and not isinstance(error, RegistryDenied)
        if closing:
            return self.without_chunks(error) if refused else error
        return self._refused_whole(answer, error, least, refused=refused)

    def failed_commit(self, failure: Interruption, size: int) -> Outcome:
        """Judge a PUT that failed temporarily; some registries always fail at an empty one."""
        if size < self._blob_size and failure.error.status == 500:
            self._failed_closings += 1
            if self._failed_closings >= STUCK:
                return self.without_chunks(failure.error)
        return failure

    def contradicted(
        self, error: RegistryError, *, restart: bool, committing: bool = False
    ) -> Outcome:
        """Judge answers that contradict each other about how far the upload is."""
        self._contradictions += 1
        if self._contradictions >= _CONTRADICTIONS:
            return self.without_chunks(error)
        return Interruption(error, restart=restart, committing=committing)

    def without_chunks(self, error: RegistryError) -> Outcome:
        """Go on with whole blobs, or end where these were refused before."""
        if self._policy.whole_refused:
            return error
        self._policy.chunks_refused = True
        return Interruption(error, restart=True, adapted=True)

    def _refused_whole(
        self, answer: Answer, error: RegistryError, least: int, *, refused: bool
    ) -> Outcome:
        if error.code == "BLOB_UPLOAD_UNKNOWN":
            # A registry that restarts loses its uploads, maybe more than once.
            return Interruption(error, restart=True, committing=True)
        if self._policy.chunks_refused or not self._blob_size:
            return error
        if means_size(answer, error.code) or answer.status == 416:
            self._policy.refuse_size(self._blob_size, least=least)
        elif refused:
            self._policy.whole_refused = True
        else:
            return error
        return Interruption(error, restart=True, adapted=True)
