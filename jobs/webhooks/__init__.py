"""Webhooks: requests that tell a user's server how jobs ended, and an operator's of notices.

A message is written in the transaction of what it tells (`recording`), so neither is without the other. Workers send it
(`sender`), again and again for three days, to each endpoint apart: one that does not respond holds up no other, and no job.
Form and signatures are those of Standard Webhooks 1.0.
"""
