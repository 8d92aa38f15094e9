"""Every way in which code reaches a disk, tried for real: is it one rollout, and does the end of it run?"""
