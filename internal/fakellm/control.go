package fakellm

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// control answers the interface by which a test or a user steers the fake provider. It asks for no
// key: what listens here is a toy on a loopback address.
func (s *Server) control(w http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + r.URL.Path {
	case "GET /", "GET /fake", "GET /fake/":
		w.Header()["Content-Type"] = textType
		_, _ = io.WriteString(w, help())
	case "GET /fake/behaviour":
		tell(w, http.StatusOK, s.rules.behaviours())
	case "POST /fake/behaviour":
		s.setBehaviour(w, r)
	case "DELETE /fake/behaviour":
		if model := r.URL.Query().Get("model"); model != "" {
			s.Unset(model)
		} else {
			s.Reset()
		}
		tell(w, http.StatusOK, s.rules.behaviours())
	case "GET /fake/log":
		list := s.Log()
		if model := r.URL.Query().Get("model"); model != "" {
			list = slices.DeleteFunc(list, func(a Attempt) bool { return a.Model != model })
		}
		tell(w, http.StatusOK, map[string]any{"attempts": list})
	case "DELETE /fake/log":
		s.ResetLog()
		tell(w, http.StatusOK, map[string]any{"attempts": []Attempt{}})
	case "POST /fake/down":
		s.setDown(w, r)
	case "DELETE /fake/down":
		s.Up()
		tell(w, http.StatusOK, map[string]string{})
	default:
		tell(w, http.StatusNotFound, failure("nothing is served at "+r.Method+" "+r.URL.Path+"; see GET /fake"))
	}
}

func (s *Server) setBehaviour(w http.ResponseWriter, r *http.Request) {
	var in struct{ Model, Spec string }
	if err := understand(r, &in); err != nil {
		tell(w, http.StatusBadRequest, failure(err.Error()))
		return
	}
	if in.Model == "" {
		tell(w, http.StatusBadRequest, failure(`"model" is missing: a model name, or "*" for every model`))
		return
	}
	if err := s.Set(in.Model, in.Spec); err != nil {
		tell(w, http.StatusBadRequest, failure(err.Error()))
		return
	}
	tell(w, http.StatusOK, s.rules.behaviours())
}

func (s *Server) setDown(w http.ResponseWriter, r *http.Request) {
	var in struct{ For, Mode string }
	if err := understand(r, &in); err != nil {
		tell(w, http.StatusBadRequest, failure(err.Error()))
		return
	}
	var d time.Duration
	if err := parseDuration(&d, in.For); err != nil || d == 0 {
		tell(w, http.StatusBadRequest, failure(fmt.Sprintf(`"for" is %q, not a duration such as "2s"`, in.For)))
		return
	}
	if in.Mode == "" {
		in.Mode = "refuse"
	}
	if !slices.Contains(downModes, in.Mode) {
		tell(w, http.StatusBadRequest, failure(fmt.Sprintf(`"mode" is %q, not one of %s`, in.Mode, strings.Join(downModes, ", "))))
		return
	}
	w.Header()["Connection"] = []string{"close"}
	tell(w, http.StatusOK, map[string]string{"for": d.String(), "mode": in.Mode})
	_ = http.NewResponseController(w).Flush() // the answer must be out before its connection is reset
	s.Down(d, in.Mode)
}

// understand reads a small JSON body with known fields only.
func understand(r *http.Request, into any) error {
	d := json.NewDecoder(io.LimitReader(r.Body, 64<<10))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("read body: %w", err)
	}
	return nil
}

func failure(message string) map[string]string { return map[string]string{"error": message} }

func tell(w http.ResponseWriter, status int, v any) {
	body, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header()["Content-Type"] = jsonType
	w.Header()["Content-Length"] = []string{fmt.Sprint(len(body) + 1)}
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

// help says what can be asked.
func help() string {
	var b strings.Builder
	b.WriteString("fairlead fake: a provider without a model. The model's name says how it behaves: NAME[:SETTING,...]\n\n")
	for _, op := range operations {
		fmt.Fprintf(&b, "POST /v1%s\n", op.path)
	}
	b.WriteString("GET  /v1/models[/ID]\nGET  /health\n\nSettings:\n")
	for _, s := range settings {
		fmt.Fprintf(&b, "  %-12s %s\n", s.key, s.values)
	}
	fmt.Fprintf(&b, "\nFailures (fail=):\n  %s\n", strings.Join(failures(), " "))
	b.WriteString("\nControl:\n  POST, GET, DELETE /fake/behaviour\n  GET, DELETE /fake/log\n  POST, DELETE /fake/down\n")
	return b.String()
}
