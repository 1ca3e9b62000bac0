"""The engine of KD Lab: from query-ad pairs to a distilled student.

`from kdcore import lab` is the door: lab.finetune, lab.distill, lab.evaluate, lab.predict.
Importing this package imports nothing heavy.
"""

import os

# Waiting threads sleep instead of spinning. With spinning, two torch processes on two cores slow
# each other down fifty times (measured); an idle machine loses nothing that we could measure.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
