"""Map: did the student keep the teacher's geometry?"""
