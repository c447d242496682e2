"""Who is scored: one backend with one model by one prompt. Whatever differs in any of these is somebody else."""

from domain.record import Record

UNKNOWN = "unknown"


class Answerer(Record, frozen=True, kw_only=True, order=True):
    """One second reader. model, prompt_version: `unknown` where it never answered.

    digest: of the model's weights, empty where nobody told. prompt_sha256: of the prompt's text, empty likewise.
    """

    backend: str
    model: str
    digest: str
    prompt_version: str
    prompt_sha256: str

    @property
    def title(self) -> str:
        """Its name for people."""
        weights = f" ({self.digest.removeprefix('sha256:')[:12]})" if self.digest else ""
        return f"{self.backend} {self.model}{weights}, prompt {self.prompt_version}"
