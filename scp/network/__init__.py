"""The upper layer and the message service of our own: PDUs on a socket, messages of PDVs, associations (PS3.8, PS3.7).

errors      what ends an association
wire        bytes of a connection, with timers
pdu         framing: PDUs and the presentation data values in them (PS3.8 9.3)
command     command sets (PS3.7 6.3, annex E)
message     a command set and its data set, out of fragments (PS3.8 annex E)
negotiation A-ASSOCIATE by the library's own PDU classes (PS3.8 9.3.2 to 9.3.4)
acceptor    an association that a peer opened
requestor   an association that we open
listener    who handles a connection: the acceptor here, or pynetdicom's
"""
