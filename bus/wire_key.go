package bus

import (
	"encoding/json"

	"fairlead"
)

// keyPage is the answer to a request for keys: all that there are where Last is set.
type keyPage struct {
	Log  string
	Keys []fairlead.Key
	Last bool
}

func (p *keyPage) encode() []byte {
	w := writer{b: append(make([]byte, 0, 64+128*len(p.Keys)), frameKeys)}
	w.text(p.Log)
	if p.Last {
		w.b = append(w.b, 1)
	} else {
		w.b = append(w.b, 0)
	}
	w.number(int64(len(p.Keys)))
	for i := range p.Keys {
		k := &p.Keys[i]
		w.text(k.ID)
		w.text(k.Name)
		w.hash(fairlead.Hash(k.Hash))
		w.text(k.Hint)
		w.time(k.Created)
		w.time(k.Revoked)
	}
	w.terms(p.Keys)
	return w.b
}

// terms writes those of the keys that have any, each behind its place in the list, and nothing where none has. So keys without terms
// take no room for them, and who does not know terms reads no key that has some.
func (w *writer) terms(keys []fairlead.Key) {
	var with []int
	for i := range keys {
		if !keys[i].None() {
			with = append(with, i)
		}
	}
	if len(with) == 0 {
		return
	}
	w.number(int64(len(with)))
	for _, i := range with {
		text, err := json.Marshal(&keys[i].KeyTerms)
		if err != nil {
			panic(err) // nothing in it can fail
		}
		w.number(int64(i))
		w.bytes(text)
	}
}

// terms reads what the writer's wrote, where anything is left.
func (r *reader) terms(keys []fairlead.Key) {
	if r.bad || len(r.b) == 0 {
		return
	}
	list(r, func() struct{} {
		i, text := r.number(), r.bytes()
		if i < 0 || i >= int64(len(keys)) || json.Unmarshal(text, &keys[i].KeyTerms) != nil {
			r.fail()
			return struct{}{}
		}
		keys[i].Tidy()
		return struct{}{}
	})
}

// maxPage is about what a message may have: NATS takes 1 MiB by default.
const maxPage = 1<<20 - 8<<10

// fit leaves out the last keys where the page would be too large with their terms, and says so by Last.
func (p *keyPage) fit() {
	size := 0
	for i := range p.Keys {
		k := &p.Keys[i]
		size += 64 + len(k.ID) + len(k.Name) + len(k.Hint)
		if !k.None() {
			size += 400 + len(k.Owner) + 8*(len(k.Models)+len(k.Endpoints)+len(k.Metadata))
			for _, list := range [][]string{k.Models, k.Endpoints} {
				for _, s := range list {
					size += 6 * len(s) // as JSON writes it at worst
				}
			}
			for name, value := range k.Metadata {
				size += 6 * (len(name) + len(value))
			}
		}
		if size > maxPage && i > 0 {
			p.Keys, p.Last = p.Keys[:i], false
			return
		}
	}
}

func decodeKeys(frame []byte) (keyPage, error) {
	r := begin(frame, frameKeys)
	p := keyPage{Log: r.text(), Last: r.byte() == 1}
	p.Keys = list(r, func() fairlead.Key {
		return fairlead.Key{
			ID: r.text(), Name: r.text(), Hash: fairlead.KeyHash(r.hash()), Hint: r.text(), Created: r.time(), Revoked: r.time(),
		}
	})
	r.terms(p.Keys)
	return p, r.end()
}
