"""The finished story that the app opens on: a teacher, students with and without it, their answers.

plan.py   what is trained, with which settings; the same for whoever builds it
train.py  carry the runs out, several at once, from where a stopped build left them
pack.py   a finished run as it is shipped: half-precision weights and the logits of exactly those
build.py  the whole folder, its card demo.json and its table
check.py  whether a folder is whole and its models still give its logits
"""

CARD = "demo.json"
TOLERANCE = 1e-3  # of a logit: the same weights on another processor round a little otherwise
