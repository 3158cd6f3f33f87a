"""Files of a download that are URLs: each is fetched into an object of its own, which is then packed as any other.

responses.py   what a response says of the file (pure)
pace.py        whether it comes fast enough (pure)
requests.py    requests through the guard, redirects
fetching.py    one file in one attempt: parts, breaks, checksums
fetcher.py     what the fetches of one worker share
"""
