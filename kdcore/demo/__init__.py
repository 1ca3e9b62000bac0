"""The bundled example that the app opens on: a teacher, students with and without it, predictions.

plan.py     what is trained, with which settings, independent of the machine
train.py    train the runs, several at once, continuing a stopped build
pack.py     a finished run as it is shipped: half-precision weights and their own logits
results.py  its evaluations, and the table of its card; measured again without training
recipe.py   the recipe that its runs are, as a finished pipeline
build.py    the whole folder and its card demo.json
pages.py    what pages open on beside it: a study of retrieval
check.py    whether a folder is complete and its models still give its logits
"""

CARD = "demo.json"
TOLERANCE = 1e-3  # of a logit: the same weights round a little differently on another processor
