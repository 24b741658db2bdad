package bus

import "strings"

// The subjects. NAME is the node's whose right it is; names have no dots, so that none can reach into another's.
//
//	fl.feed.change         changes, down              control
//	fl.feed.beat           positions, down            control
//	fl.tell.KIND           watch, ...                 control
//	fl.ask.NAME.VERB       fetch, has, copy, ...      the edge NAME; control answers
//	fl.ask.NAME.piece.AT   a piece of what AT holds   likewise
//	fl.up.NAME.KIND        status, lost, revoked, ... the node NAME
//	fl.up.NAME.lost.AT     a piece of a large change, likewise; AT answers
//	fl.hello, fl.join.NAME one that has a one-time token for NAME
//	fl.inbox.NAME.>        answers to NAME            control
const (
	subjectChange = "fl.feed.change"
	subjectBeat   = "fl.feed.beat"
	subjectFeed   = "fl.feed.>"
	subjectTells  = "fl.tell.>"
	subjectHello  = "fl.hello"
	queueControl  = "control"
)

func subjectAsk(name, verb string) string { return "fl.ask." + name + "." + verb }

func subjectPieces(name, at string) string { return "fl.ask." + name + ".piece." + at }

func subjectTell(kind string) string { return "fl.tell." + kind }

func subjectUp(name, kind string) string { return "fl.up." + name + "." + kind }

func subjectJoin(name string) string { return "fl.join." + name }

func inbox(name string) string { return "fl.inbox." + name }

// asker is the node that a request comes from, by its subject, which the server lets only that node use. An answer
// may go nowhere but to that node's inbox: otherwise a request could have control publish in its place.
func asker(subject, reply string) (name string, ok bool) {
	parts := strings.SplitN(subject, ".", 4)
	if len(parts) < 3 {
		return "", false
	}
	name = parts[2]
	return name, strings.HasPrefix(reply, inbox(name)+".")
}
