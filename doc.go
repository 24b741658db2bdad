// Package fairlead holds the words of the project: the types that every room shares, their
// validation, the table of error codes, and nothing that does input or output.
//
// fairlead is a programmable routing layer for AI inference. Applications send OpenAI- or
// Anthropic-shaped requests to one address; fairlead lets them in, decides where each goes,
// carries it there and back, and can say afterwards what it did.
//
// The way of a request, in five files:
//
//	gateway/gateway.go    it arrives: listener, addresses, operations
//	gateway/exchange.go   its story: snapshot, admit, read, plan, send, pump, settle
//	route/route.go        where should it go? pure: endpoints and request -> plan
//	upstream/send.go      go there: walk the plan until one attempt commits
//	provider/             bytes to bytes: the address, headers and body of one attempt
//
// Rooms, from the rim inwards; arrows run down only (arch_test.go holds the table):
//
//	cmd/fairlead   flags and signals, then cli
//	cli            one file a command
//	app            the program as a value: Options, New, Run
//	demo, bench    the program shown at work; measured beside nginx
//	gateway        the data plane's listener and the story of an exchange
//	admit          may it enter?
//	route          where should it go?
//	upstream       go there: transports, attempts, streams
//	provider       places: a table of OpenAI-compatible ones, a folder for each other wire
//	dialect        languages: request, answer and event stream to and from one neutral form
//	meter          usage -> cost
//	replica        this node's disk: position in the log, configuration, keys, sealed secrets
//	edge           what the replica holds -> compile -> swap; the last good snapshot stays
//	steer          guards, evidence, ramps and trials: pure; count: what edges count for them
//	record         what exchanges did: a log line each, metrics, charge lines, rows to look at
//	replica/spool  this node's disk: charge lines until control has them
//	ship           sends up what an edge wrote: frames of charge lines, batches of records
//	control        HTTP API of the control plane
//	ledger/lease   the money that edges have on loan: pure
//	helm           ramps and trials on the control node that leads: evidence -> steer -> steps and ends
//	store          the truth, in SQL: store/sqlite in a file, store/postgres on a server
//	bus            the feed of changes between control and edges, and joining, over NATS
//	vault          the fleet's key and authority, sealed in the store
//	compile        configuration -> snapshot
//	client         Go client of the control API
//	internal/...   helpers without product words, and fakellm, the fake provider
//	test/...       the whole program, driven from outside
package fairlead
