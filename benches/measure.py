"""What every figure is made with: a row of the table, a run, subjects that are closed."""

from dataclasses import dataclass

from subjects import Orchestra


@dataclass
class Row:
    """One line of the table; a value that was not measured is empty. `met`: none when there is no target."""

    figure: str
    ours: str
    tmux: str = ""
    other: str = ""
    target: str = ""
    met: bool | None = None


@dataclass
class Run:
    """What a run measures with. `ours`: a function that makes the subject in a repository; none = competitors only."""

    place: object
    binary: str | None
    quick: bool

    def ours(self, repo):
        return Orchestra(self.place, self.binary, repo) if self.binary else None

    def small_repository(self):
        repo = self.place.root / "small"
        return repo if repo.exists() else self.place.repository("small", 200)

    def times(self, full, quick=1):
        return quick if self.quick else full


class Opened:
    """Closes all subjects on every way out."""

    def __init__(self, *subjects):
        self.subjects = [subject for subject in subjects if subject]

    def __enter__(self):
        return self.subjects

    def __exit__(self, *_):
        for subject in self.subjects:
            subject.close()
