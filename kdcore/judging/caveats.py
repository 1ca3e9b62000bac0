"""How a student and its twin differ besides the teacher, a sentence each."""

from kdcore.config.teacher import files_of, read_teacher
from kdcore.runs.store import Run
from kdcore.runs.twins import steps_of
from kdcore.workspace import last_part

_ROUNDING = 1e-6  # epochs that rounding may take from a complete training
_PAIRS = {"log": "the unlabelled log", "train+log": "the labelled pairs and the unlabelled log"}
_LEAST = 0.05  # a smaller difference, as a share of the student's steps, is not mentioned


def caveats(student: Run, twin: Run | None) -> tuple[str, ...]:
    """Other pairs, few scores, other steps, an early end; empty where the two are equal."""
    sentences = []
    transfer = student.transfer
    if transfer != "train":
        sentences.append(
            f"The student learned from other pairs ({_PAIRS.get(transfer, transfer)}) than its "
            "twin, which had labelled ones only: the difference is not the teacher's alone."
        )
    teacher = read_teacher(student.teacher)
    if teacher is not None and teacher.kind == "born_again":
        count = teacher.params.generations
        sentences.append(
            f"The student is generation {count} and its twin generation 1; together the "
            f"generations took {count} times the twin's steps."
        )
    scored = student.scored_pairs()
    if scored is not None and scored[0] < scored[1]:
        count, learned = scored
        sentences.append(
            f"The teacher scored {count:,} of the {learned:,} pairs to learn from "
            f"({count / learned:.0%}); of the others the student had their labels only."
        )
    if files_of(student.teacher) and not student.teacher_path().is_file():
        sentences.append(
            "The file that taught the student does not score every test pair: the gap recovered "
            "and the share kept of the teacher's quality are not known."
        )
    if any(term.method == "residual" for term in student.soft_terms.values()):
        sentences.append(
            "The student has an assistant, which its twin lacks: a part of the difference may come "
            "from the greater size."
        )
    sentences += _same_start(student)
    if twin is not None and (text := _steps(steps_of(student), steps_of(twin))):
        sentences.append(text)
    for role, run in (("student", student), ("twin", twin)):
        if run is not None and run.status().state == "finished" and (text := early(run)):
            sentences.append(f"The {role} was ended early, {text}.")
    return tuple(sentences)


def _same_start(student: Run) -> list[str]:
    """That a student and its twin go on from one model, unless it is the teacher's layers."""
    start = str(student.model.get("start_from") or "")
    if not start or start == student.teacher:
        return []
    name = last_part(start)
    return [
        f"Student and twin start from the same model, {name}: the difference is what this "
        f"training's teacher adds. What {name} had learned before is in both; compare the "
        f"student with {name} for what the whole training changed."
    ]


def early(run: Run) -> str:
    """After how many epochs a run was ended; "" when it completed all of them."""
    planned = run.epochs
    done = max((line["epoch"] for line in run.metric_lines if "epoch" in line), default=planned)
    return f"after {done:.2g} of {planned:g} epochs" if done < planned - _ROUNDING else ""


def _steps(ours: int, theirs: int) -> str:
    if not ours or not theirs or abs(ours - theirs) <= _LEAST * ours:
        return ""
    return (
        f"The student's training has {ours:,} steps and its twin's {theirs:,}: the difference is "
        "not the teacher's alone."
    )
