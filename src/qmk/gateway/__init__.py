"""HTTP: a REST API, and protocol adapters for programs written for Amazon Braket, QuEra's QLAM and Pasqal Cloud.

Each adapter speaks one service's protocol and turns what comes into jobs of the daemon, through ``qmk.client`` and
nothing else. ``app`` puts them together; ``callers`` says who calls; ``records`` keeps what a protocol has and a job
has not. Needs the extra ``gateway``; nothing here is imported unless a gateway is started.
"""
