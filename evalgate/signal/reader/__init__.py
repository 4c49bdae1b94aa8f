"""What a router embeds: always an answer at once, from the last document that could be trusted.

    from evalgate.signal.reader import SignalReader

    reader = SignalReader("https://signal.example/v1/acme/prod", keys="keys/", cache="/var/lib/router/signal")
    reader.eligible("extract_invoice", "meta-llama/llama-3.1-70b-instruct")   # what may be used; () is: the baseline

`rules` says which document is believed, `clock` what time it is when the machine's clock lies, `view` what a document
says, `cache` what outlives the process, `holder` puts these together, `sources` fetch, and `reader` does so in the
background. All doubt falls towards the baseline: nothing here can make a variant eligible but a signed, fresh, green
entry.
"""

from evalgate.signal.reader.health import Health
from evalgate.signal.reader.reader import SignalReader
from evalgate.signal.reader.sources import Fetched, Source
from evalgate.signal.reader.view import Document as ReadDocument
from evalgate.signal.reader.view import Eligible

__all__ = ["Eligible", "Fetched", "Health", "ReadDocument", "SignalReader", "Source"]
