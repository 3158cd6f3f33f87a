"""Mail to operators: notices, at most one mail in five minutes.

What was mailed is a count in the row of each notice (`digests`), so that nothing is lost while the SMTP server is
unavailable. Workers and gateways send (`mailer`), one process at a time, under a lease in PostgreSQL.
"""
