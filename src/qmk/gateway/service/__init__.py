"""What the service offers, declared once: resources, and the operations on them. REST and its documents are made from
it; further protocols are to be."""
