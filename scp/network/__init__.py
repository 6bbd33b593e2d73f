"""The upper layer and the message service: PDUs, messages of data values, associations (PS3.8, PS3.7).

errors            what ends an association
states            the state table that both sides ask at every event (PS3.8 9.2)
reader, wire      bytes in order; bytes of a connection, with timers
pdu               framing: PDUs and the presentation data values in them (PS3.8 9.3)
items, user_information, associate     the A-ASSOCIATE PDUs (PS3.8 9.3.2 to 9.3.4, PS3.7 D.3.3)
negotiation       which presentation contexts and roles both sides agree on
command           command sets (PS3.7 6.3, annex E)
message           a command set and its data set, out of fragments (PS3.8 annex E)
conversation      what a service sees of an association
acceptor          an association that a peer opened
requestor, opening, outgoing           an association that we open; whom it calls; a file on its way out
listener          the listening socket

It names no service, and imports dicom and config alone.
"""
