"""The script that an exported student travels with: a copy of one of these, as `student.py`.

Each stands alone: it imports nothing of the lab, so that a folder works where no lab is. Both
offer the same: `Student(folder)` with inputs, logits, probabilities, and `net`.
"""
