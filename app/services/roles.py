"""Which of the models that scored the pairs is the teacher, the student, or a twin of which."""

from app.services.answers import Source
from kdcore.predictions import Origin
from kdcore.runs.store import Run
from kdcore.runs.twins import find_twin, is_twin

# the order in which a picker offers models: those in its own role first
ORDER = {
    "teacher": ("teacher", "other", "student", "twin"),
    "student": ("student", "other", "twin", "teacher"),
}


def role_of(source: Source, offered: list[Source]) -> str:
    """teacher, student, twin or other: as it was imported, or as its run was trained."""
    if source.run is None:
        return (source.origin.role if source.origin else "") or "other"
    if source.run.is_distilled:
        return "student"
    if _teaches(source, offered) or _is_named(source):
        return "teacher"
    students = (s.run for s in offered if s.run and s.run.is_distilled)
    return "twin" if any(is_twin(run, source.run) for run in students) else "other"


def _is_named(source: Source) -> bool:
    """Whether its run says that it teaches."""
    return source.run is not None and ("teacher" in source.key or source.run.role == "teacher")


def is_distilled(run: Run | None, origin: Origin | None) -> bool:
    """Whether a model learned from a teacher: its run says so, or it was imported as a student."""
    return run.is_distilled if run else origin is not None and origin.role == "student"


def in_order(offered: list[Source], role: str) -> list[Source]:
    """All models, those in this role first."""
    order = ORDER[role]
    return sorted(offered, key=lambda source: order.index(role_of(source, offered)))


def default_teacher(offered: list[Source]) -> Source | None:
    """The teacher unless the visitor chooses one: never a model of another role, as a student is.

    A student that a file, peers or its own average taught has no teacher among the models.
    """
    named = [s for s in offered if _is_named(s)]
    used = [s for s in offered if _teaches(s, offered)]
    imported = [s for s in offered if s.run is None and role_of(s, offered) == "teacher"]
    rest = [s for s in offered if role_of(s, offered) == "other"]
    return next(iter(named + used + imported + rest), None)


def default_student(offered: list[Source], teacher: Source | None) -> Source | None:
    """The student unless the visitor chooses one, with a twin if possible; no imported twin."""
    rest = [s for s in offered if teacher is None or s.key != teacher.key]
    distilled = [s for s in rest if s.run and s.run.is_distilled]
    distilled.sort(key=lambda student: twin_of(offered, student) is None)
    preferred = [s for s in distilled if s.run and s.run.model_name == "twinbert_cos"]
    imported = [s for s in rest if s.run is None and role_of(s, offered) == "student"]
    others = [s for s in rest if s.run or role_of(s, offered) == "other"]
    return next(iter(preferred + distilled + imported + others), None)


def twin_of(offered: list[Source], student: Source | None) -> Source | None:
    """The same student, seed and data set, trained on hard labels only; or an imported twin."""
    if student is None or not is_distilled(student.run, student.origin):
        return None  # how an imported model of another role was trained is not known here
    if student.run is not None:
        twin = find_twin(student.run, [s.run for s in offered if s.run])
        return next((s for s in offered if twin is not None and s.run is twin), None)
    twins = [(s, s.origin.student) for s in offered if s.origin and s.origin.role == "twin"]
    of_student = [s for s, name in twins if name == student.title]
    return next(iter(of_student + [s for s, name in twins if not name]), None)


def _teaches(source: Source, offered: list[Source]) -> bool:
    teachers = {name for s in offered if s.run for name in s.run.teachers}
    run = source.run
    return run is not None and (run.id in teachers or str(run.folder) in teachers)
