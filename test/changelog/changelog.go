// Package changelog makes changes as a store would commit them, for tests of those who take them.
package changelog

import (
	"crypto/sha256"
	"encoding/json"
	"time"

	"fairlead"
	"fairlead/internal/mergepatch"
)

// Log is a log of changes and what it comes to. It is not for several goroutines.
type Log struct {
	At    fairlead.Position
	Time  time.Time // of the next change; a millisecond later each time
	State fairlead.State
	Made  []fairlead.Change
}

// New begins a log.
func New(name string) *Log {
	return &Log{
		At:    fairlead.Position{Log: name},
		Time:  time.Date(2026, 3, 4, 5, 6, 7, 891_234_000, time.UTC),
		State: fairlead.State{Document: []byte("{}")},
	}
}

// Add makes the next change; content is marshalled unless it is []byte.
func (l *Log) Add(kind fairlead.ChangeKind, content any) fairlead.Change {
	text, ok := content.([]byte)
	if !ok {
		var err error
		if text, err = json.Marshal(content); err != nil {
			panic(err)
		}
	}
	c := fairlead.Change{Number: l.At.Number + 1, Kind: kind, At: l.Time, By: "test", Content: text}
	l.Time = l.Time.Add(time.Millisecond)
	c.Hash = c.Chain(l.At.Hash)
	l.At.Number, l.At.Hash = c.Number, c.Hash
	l.Made = append(l.Made, c)
	return c
}

// Keys says how keys are now.
func (l *Log) Keys(keys ...fairlead.Key) fairlead.Change {
	var content fairlead.KeyContent
	for i := range keys {
		content.Keys = append(content.Keys, keys[i].Stored())
	}
	return l.Add(fairlead.ChangeKey, content)
}

// Revise makes a revision with a document, and ends what was laid over the one before.
func (l *Log) Revise(document string) fairlead.Change { return l.Commit(document, nil, nil) }

// Commit makes a revision with a document and what is laid over it.
func (l *Log) Commit(document string, weights map[string]int, trial *fairlead.Trial) fairlead.Change {
	patch, err := mergepatch.Make(l.State.Document, []byte(document))
	if err != nil {
		panic(err)
	}
	if l.State.Document, err = mergepatch.Canonical([]byte(document)); err != nil {
		panic(err)
	}
	l.State.Revision++
	l.State.Weights, l.State.Trial, l.State.At = weights, trial, l.Time
	return l.Add(fairlead.ChangeRevision, fairlead.RevisionContent{
		Revision: l.State.Revision, Origin: fairlead.OriginApply, Patch: patch,
		Sum: sha256.Sum256(l.State.Document), Weights: weights, Trial: trial,
	})
}

// Step lays weights over the document.
func (l *Log) Step(weights map[string]int) fairlead.Change {
	l.State.Weights = weights
	return l.Add(fairlead.ChangeStep, fairlead.StepContent{Ramp: "ramp_1", Weights: weights})
}

// Secret sets a sealed secret; an empty one deletes it.
func (l *Log) Secret(name string, version int64, sealed string) fairlead.Change {
	return l.Add(fairlead.ChangeSecret, fairlead.SealedSecret{Name: name, Version: version, At: l.Time, Sealed: []byte(sealed)})
}
