"""Numbers that the tutorial's deck prints on its two slides about scale (slides 4 and 5).

They are shown as the deck prints them; none was measured here.
"""

from dataclasses import dataclass

SOURCE = "Deck of the KDD 2022 tutorial on knowledge distillation, slides 4 and 5"
FIRST, SECOND = "first picture", "second picture"


@dataclass(frozen=True)
class Printed:
    """A model's size as a picture prints it. millions: of parameters; date: month/year or ""."""

    name: str
    millions: float
    picture: str
    date: str = ""

    @property
    def row(self) -> str:
        """Its name, with the date that the deck prints for it."""
        date = next((each.date for each in SIZES if each.name == self.name and each.date), "")
        return f"{self.name}, {date}" if date else self.name

    @property
    def moment(self) -> tuple[int, int]:
        """(year, month) of the date; (9999, 12) without one, so that it comes last."""
        month, _, year = self.date.partition("/")
        return (2000 + int(year), int(month)) if self.date else (9999, 12)


SIZES = (
    Printed("CDSSM", 43, FIRST),
    Printed("TwinBERT", 35, FIRST),
    Printed("ELMo", 93, FIRST, "10/17"),
    Printed("GPT-2", 1500, FIRST, "03/18"),
    Printed("BERT", 340, FIRST, "10/18"),
    Printed("XLM", 665, FIRST, "02/19"),
    Printed("XLNet", 340, FIRST, "06/19"),
    Printed("RoBERTa", 340, FIRST, "07/19"),
    Printed("ELMo", 94, SECOND),
    Printed("RoBERTa", 355, SECOND),
    Printed("GPT", 110, SECOND),
    Printed("DistilBERT", 66, SECOND),
    Printed("MT-DNN", 330, SECOND),
    Printed("Grover", 1500, SECOND),
    Printed("MegatronLM", 8300, SECOND),
    Printed("T5", 11_000, SECOND),
    Printed("BART", 400, SECOND),
    Printed("XLM-R", 550, SECOND),
    Printed("Meena", 2600, SECOND),
    Printed("Turing-NLG", 17_000, SECOND),
)
GLUE_DAY = "2019-11-12"
HUMANS = "Human baseline"
GLUE = {
    "T5": 89.7,
    "ALBERT (ensemble)": 89.4,
    "ALICE v2 large (ensemble)": 89.0,
    "FreeLB-RoBERTa (ensemble)": 88.8,
    "RoBERTa": 88.5,
    "XLNet-Large (ensemble)": 88.4,
    "MT-DNN (ensemble)": 87.6,
    HUMANS: 87.1,
}
