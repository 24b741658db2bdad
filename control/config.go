package control

import (
	"bytes"
	"context"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"fairlead"
	"fairlead/compile"
)

// Source says where the configuration in force comes from.
type Source string

// The sources of a configuration.
const (
	SourceStore       Source = "store"       // revisions, written by API
	SourceFile        Source = "file"        // `-c FILE`, watched
	SourceEnvironment Source = "environment" // the providers whose keys are in the environment
	SourceBuiltin     Source = "builtin"     // the fake provider
)

// Status is what the control plane shows of this node's data plane.
type Status struct {
	Config    ConfigStatus
	Endpoints []EndpointStatus
}

// ConfigStatus is the state of the configuration on this node's data plane.
type ConfigStatus struct {
	Revision int64     `json:"revision"`        // in force here
	Loaded   time.Time `json:"loaded,omitzero"` // when it came into force here
	Error    string    `json:"error,omitempty"` // why a later one is not in force; "" where there is none
}

// configAnswer is the configuration.
type configAnswer struct {
	Revision int64           `json:"revision"` // 0 = nobody wrote one yet
	Source   Source          `json:"source"`
	File     string          `json:"file,omitempty"`
	At       time.Time       `json:"at,omitzero"`
	Document jsontext.Value  `json:"document"`
	Weights  map[string]int  `json:"weights,omitempty"` // laid over the document for now
	Trial    *fairlead.Trial `json:"trial,omitempty"`
	Live     ConfigStatus    `json:"live"` // on this node
}

func (c *Control) getConfig(a *ask) (any, error) {
	if a.query["format"] == "yaml" {
		return c.whole(a, func() (any, error) { return c.configText(a) })
	}
	now, err := c.config.current(a.Context())
	if err != nil {
		return nil, err
	}
	a.w.Header().Set("ETag", `"`+number(now.Revision)+`"`)
	return configAnswer{
		Revision: now.Revision, Source: now.source, File: c.File, At: now.At, Document: now.Document,
		Weights: now.Weights, Trial: now.Trial, Live: c.Status().Config,
	}, nil
}

// configText gives the document as YAML.
func (c *Control) configText(a *ask) (any, error) {
	now, err := c.config.current(a.Context())
	if err != nil {
		return nil, err
	}
	b, err := c.shown.yaml(now.Document)
	if err == nil {
		a.w.Header().Set("ETag", `"`+number(now.Revision)+`"`)
	}
	return text{yamlType, b}, err
}

func (c *Control) getOpenAPI(*ask) (any, error) { return text{jsonType, c.openapi}, nil }

// putConfig takes a whole document. Without If-Match it takes the place of whatever is there by then.
func (c *Control) putConfig(a *ask) (any, error) {
	doc, err := readWhole(a.Request)
	if err != nil {
		return nil, err
	}
	return c.writeOrTry(a, edit{
		act: a.act(c.Now(), "config.apply", ""), origin: fairlead.OriginApply,
		next: func(context.Context, *current) (draft, error) { return draft{text: doc}, nil },
	})
}

// patchConfig takes a merge patch. Without If-Match it applies to whatever is there by then.
func (c *Control) patchConfig(a *ask) (any, error) {
	if media, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type")); media != "application/merge-patch+json" && media != jsonType {
		return nil, &fairlead.Error{
			Code: fairlead.CodeUnsupportedMedia, Message: "a patch of the configuration is a JSON merge patch (RFC 7396)",
			Hint: "send it with Content-Type: application/merge-patch+json",
		}
	}
	patch, err := readPatch(a.Request)
	if err != nil {
		return nil, err
	}
	return c.writeOrTry(a, edit{
		act: a.act(c.Now(), "config.patch", ""), origin: fairlead.OriginPatch,
		next: func(_ context.Context, now *current) (draft, error) {
			next, err := compile.Merge(now.patchable(), patch)
			if err == nil && now.builtin() && !serves(next) {
				err = errBuiltin()
			}
			return draft{text: next}, err
		},
	})
}

// readPatch reads a merge patch, which must be one JSON object with every name once.
func readPatch(r *http.Request) ([]byte, error) {
	d := jsontext.NewDecoder(r.Body)
	v, err := d.ReadValue()
	if err == nil {
		v = bytes.Clone(v)
		if _, more := d.ReadToken(); more != io.EOF {
			err = errNoObject
			if more != nil {
				err = more
			}
		}
	}
	if err == nil && v.Kind() != '{' {
		err = errNoObject
	}
	if err != nil {
		return nil, bodyError(err)
	}
	return v, compile.Sendable(v)
}

// writeConfig commits an edit for a caller and answers when this node's own edge stands at it.
func (c *Control) writeConfig(a *ask, e edit) (any, error) {
	var err error
	if e.base, err = ifMatch(a.Request); err != nil {
		return nil, err
	}
	e.dry = a.dry()
	ctx, cancel := detach(a.Context())
	defer cancel()
	w, change, err := c.config.write(ctx, e)
	if err != nil {
		return nil, err
	}
	a.w.Header().Set("ETag", `"`+number(w.Revision)+`"`)
	if change.Number == 0 {
		return w, nil
	}
	c.Log.InfoContext(ctx, "configuration written", "revision", w.Revision, "origin", string(e.origin), "by", a.who.name)
	w.Behind, err = c.spread(ctx, a, change)
	if w.Applied = err == nil; !w.Applied {
		c.Log.ErrorContext(ctx, "this node's own edge is not at a revision that was written", "revision", w.Revision, "error", err.Error())
	}
	return w, nil
}

var tagShape = regexp.MustCompile(`^"(0|[1-9]\d{0,14})"$`)

// ifMatch reads the revision that a write is meant for.
func ifMatch(r *http.Request) (int64, error) {
	tags := r.Header.Values("If-Match")
	if len(tags) == 0 || (len(tags) == 1 && tags[0] == "*") {
		return anyBase, nil
	}
	m := tagShape.FindStringSubmatch(tags[0])
	if m == nil || len(tags) > 1 {
		return 0, &fairlead.Error{
			Code: fairlead.CodeInvalidRequest, Param: "If-Match", Message: "If-Match names one revision, as the ETag of the configuration does",
			Hint: `If-Match: "7"`,
		}
	}
	return strconv.ParseInt(m[1], 10, 64)
}

func number(n int64) string { return strconv.FormatInt(n, 10) }
