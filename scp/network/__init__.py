"""The upper layer and the message service: associations, PDUs and messages (PS3.8, PS3.7).

errors            what ends an association
states            the state table that both sides ask at every event (PS3.8 9.2)
reader, wire, pace   a source of bytes; a connection as such a source; the pace that its peer must keep
pdu               framing: PDUs and their presentation data values (PS3.8 9.3)
items, user_information, associate     the A-ASSOCIATE PDUs (PS3.8 9.3.2 to 9.3.4, PS3.7 D.3.3)
negotiation       which presentation contexts and roles both sides agree on
command           command sets (PS3.7 6.3, annex E)
message           a command set and its data set, from fragments (PS3.8 annex E)
conversation      the interface of an association to a service
acceptor, record  an association opened by a peer; what is told of it at its end
requestor, opening, outgoing           an association that we open; its parameters; sending a file
listener, lobby   the listening socket; connections that are no association

It knows no service, and imports only dicom and config.
"""
