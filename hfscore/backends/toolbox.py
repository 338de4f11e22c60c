"""The tools of one run: made when first asked for, and a sentence where one cannot be made."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hfscore.backends.embedder import SentenceEncoder, load_encoder, resolve_encoder
from hfscore.backends.student_tokenizer import ChatTokenizer, load_student
from hfscore.contamination import Index, load, merge
from hfscore.errors import MissingExtraError
from hfscore.ports import Embedder, Judge, LanguageModel, StudentTokenizer, Verifier
from hfscore.spec import Need
from hfscore.text import answers


@dataclass(slots=True)
class Toolbox:
    """A `ports.Tools` over the adapters of this package.

    Args:
        encoder: Sentence encoder; None for the default.
        student: Students by Hub id or folder.
        contamination_files: Index files of evaluation sets.
    """

    encoder: str | None = None
    student: Sequence[str] = ()
    contamination_files: Sequence[str] = ()
    _embedder: SentenceEncoder | None = field(default=None, init=False)
    _verifier: answers.Verifier | None = field(default=None, init=False)
    _students: list[ChatTokenizer] = field(default_factory=list, init=False)
    _index: Index | None = field(default=None, init=False)

    def embedder(self) -> Embedder:
        """The sentence encoder, loaded once."""
        if self._embedder is None:
            self._embedder = load_encoder(resolve_encoder(self.encoder))
        return self._embedder

    def verifier(self) -> Verifier:
        """The comparison of final answers; its processes start when first needed and end with the run."""
        if self._verifier is None:
            self._verifier = answers.Verifier(workers=os.cpu_count() or 1)
        return self._verifier

    def students(self) -> Sequence[StudentTokenizer]:
        """The students' tokenizers, loaded once."""
        if not self.student:
            raise MissingExtraError("Name a student: --student MODEL.")
        if not self._students:
            self._students = [load_student(name) for name in dict.fromkeys(self.student)]
        return self._students

    def contamination(self) -> Index:
        """The evaluation sets of all index files, read once."""
        if not self.contamination_files:
            raise MissingExtraError("Name an index: --contamination INDEX ('hfscore contamination build' makes one).")
        if self._index is None:
            self._index = merge([load(Path(name)) for name in dict.fromkeys(self.contamination_files)])
        return self._index

    def judge(self) -> Judge:
        """The judge."""
        raise MissingExtraError("Name a judge: --judge URL, --judge hf:MODEL or --judge rules.")

    def reference_lm(self) -> LanguageModel:
        """The reference language model."""
        raise MissingExtraError("Name a language model: --reference-lm MODEL.")

    def student_lms(self) -> Sequence[LanguageModel]:
        """The students as language models."""
        raise MissingExtraError("Name a student: --student MODEL.")

    def problem(self, need: Need) -> str | None:
        """Why a need cannot be met, or None; loads the tool to know."""
        makers: dict[Need, Callable[[], object]] = {
            "embedder": self.embedder,
            "verifier": self.verifier,
            "students": self.students,
            "contamination": self.contamination,
            "judge": self.judge,
            "reference_lm": self.reference_lm,
            "student_lms": self.student_lms,
        }
        try:
            makers[need]()
        except MissingExtraError as error:
            return str(error)
        return None
