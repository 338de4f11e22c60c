"""The tools of one run: made when first asked for, and a sentence where one cannot be made."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hfscore.backends.embedder import SentenceEncoder, load_encoder, resolve_encoder
from hfscore.backends.judges import Slot, close_judge, open_judge
from hfscore.backends.language_models import load_language_model, where
from hfscore.backends.student_tokenizer import ChatTokenizer, load_student
from hfscore.contamination import Index, load, merge
from hfscore.errors import MissingExtraError
from hfscore.ports import Embedder, Judge, LanguageModel, StudentTokenizer, Verifier
from hfscore.settings import Settings
from hfscore.spec import Need
from hfscore.text import answers

NO_MODEL = "none"


@dataclass(slots=True)
class Toolbox:
    """A `ports.Tools` over the adapters of this package.

    Args:
        settings: Which models, files and servers.
        say: Told what a tool cannot do and what is done instead.
        progress: Told how far a language model is.
        slot: Which of several processes that ask one judge this is.
    """

    settings: Settings = field(default_factory=Settings)
    say: Callable[[str], None] = lambda sentence: None
    progress: Callable[[str, int, int | None], None] = lambda stage, done, total: None
    slot: Slot | None = None
    _embedder: SentenceEncoder | None = field(default=None, init=False)
    _verifier: answers.Verifier | None = field(default=None, init=False)
    _students: list[ChatTokenizer] = field(default_factory=list, init=False)
    _index: Index | None = field(default=None, init=False)
    _judge: Judge | None = field(default=None, init=False)
    _reference_lm: LanguageModel | None = field(default=None, init=False)
    _student_lms: list[LanguageModel] = field(default_factory=list, init=False)
    _language_models: dict[str | None, LanguageModel] = field(default_factory=dict, init=False)

    def embedder(self) -> Embedder:
        """The sentence encoder, loaded once."""
        if self._embedder is None:
            self._embedder = load_encoder(resolve_encoder(self.settings.encoder))
        return self._embedder

    def verifier(self) -> Verifier:
        """The comparison of final answers; its processes start when first needed and end with the run."""
        if self._verifier is None:
            self._verifier = answers.Verifier(workers=os.cpu_count() or 1)
        return self._verifier

    def students(self) -> Sequence[StudentTokenizer]:
        """The students' tokenizers, loaded once."""
        if not self.settings.student:
            raise MissingExtraError("Name a student: --student MODEL.")
        if not self._students:
            self._students = [load_student(where(name)) for name in dict.fromkeys(self.settings.student)]
        return self._students

    def contamination(self) -> Index:
        """The evaluation sets of all index files, read once."""
        if not self.settings.contamination:
            raise MissingExtraError("Name an index: --contamination INDEX ('hfscore contamination build' makes one).")
        if self._index is None:
            self._index = merge([load(Path(name)) for name in dict.fromkeys(self.settings.contamination)])
        return self._index

    def judge(self) -> Judge:
        """The judge, connected once."""
        if self._judge is None:
            if self.settings.judge is None:
                raise MissingExtraError("Name a judge: --judge URL, --judge hf:MODEL or --judge rules.")
            self._judge = open_judge(self.settings, self.say, self.slot)
        return self._judge

    def reference_lm(self) -> LanguageModel:
        """The reference language model, loaded once."""
        if self._reference_lm is None:
            if self.settings.reference_lm == NO_MODEL:
                raise MissingExtraError("Left out by --reference-lm none.")
            self._reference_lm = self._language_model(self.settings.reference_lm)
        return self._reference_lm

    def student_lms(self) -> Sequence[LanguageModel]:
        """The students as language models, loaded once."""
        if not self.settings.student:
            raise MissingExtraError("Name a student: --student MODEL.")
        if not self._student_lms:
            names = dict.fromkeys(self.settings.student)
            self._student_lms = [self._language_model(name) for name in names]
        return self._student_lms

    def _language_model(self, name: str | None) -> LanguageModel:
        """A model, loaded once whatever it is asked for: what is read under it is then read once."""
        if name not in self._language_models:
            self._language_models[name] = load_language_model(name, self._watch)
        return self._language_models[name]

    def _watch(self, done: int, total: int) -> None:
        self.progress("reading tokens with a language model", done, total)

    def close(self) -> None:
        """End what runs beside this process: the judge's session and its store."""
        if self._judge is not None:
            close_judge(self._judge, self.say)
            self._judge = None

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
