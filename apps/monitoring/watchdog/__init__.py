"""A process that looks after the others and needs neither database nor broker to raise an alarm.

It loads no room but core and the ways out: what needs the rows of others is done by an errand, a process of its own.
"""
