"""What runs in the child: the launcher, and the restrictions that it applies to itself before it runs a decoder.

It imports nothing but the standard library, so that a child starts fast.
"""
