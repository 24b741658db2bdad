package control

import (
	"net/http"
	"time"
)

// progress bounds how long one part of a stream may take to go out.
const progress = 30 * time.Second

// backup streams everything that the store holds. What breaks off half way breaks the connection, so that nobody
// takes a part for the whole.
func (c *Control) backup(a *ask) (any, error) {
	w := &stream{w: a.w, control: http.NewResponseController(a.w), name: "fairlead-" + c.Now().UTC().Format("20060102T150405Z") + ".backup"}
	if a.Method == http.MethodHead {
		w.begin()
		return nil, nil
	}
	if err := c.Store.Note(a.Context(), a.act(c.Now(), "backup", "")); err != nil {
		return nil, err
	}
	_, err := c.Store.Backup(a.Context(), w)
	if err != nil && !w.begun {
		return nil, err
	}
	if err != nil {
		c.Log.ErrorContext(a.Context(), "a backup broke off", "error", err.Error())
		panic(http.ErrAbortHandler)
	}
	return nil, nil
}

// stream is a body of unknown length.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	name    string
	begun   bool
}

func (s *stream) begin() {
	s.begun = true
	setHeaders(s.w.Header(), gzipType)
	s.w.Header().Set("Content-Disposition", `attachment; filename="`+s.name+`"`)
	s.w.WriteHeader(http.StatusOK)
}

// Write sends a part.
func (s *stream) Write(p []byte) (int, error) {
	if !s.begun {
		s.begin()
	}
	// Fails only on a writer without a connection, where there is nothing to wait for.
	_ = s.control.SetWriteDeadline(time.Now().Add(progress))
	return s.w.Write(p)
}
