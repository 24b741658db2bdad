package failure_test

import (
	"strings"
	"testing"

	"fairlead/upstream/failure"
)

// TestBegun holds for every text of the catalogue that it proves nothing where a caller named a field so: a
// validator puts the field's name first, or tells its place apart.
func TestBegun(t *testing.T) {
	seen := 0
	for _, c := range cases(t) {
		text := failure.Classify(c.evidence).Fault.Message
		if len(text) < 10 {
			continue
		}
		seen++
		for _, field := range []string{text, strings.TrimSuffix(text, "."), text + "\n", text + strings.Repeat("x", 4096-len(text)%4096)} {
			for _, end := range []string{": Extra inputs are not permitted", ": required", ".0: Input should be a valid string", " is not allowed", "' unknown"} {
				for _, body := range []string{
					`{"type":"error","error":{"type":"invalid_request_error","message":` + quoted(field+end) + `}}`,
					`{"error":` + quoted(field+end) + `}`,
					`{"__type":"ValidationException","message":` + quoted(field+end) + `}`,
					`{"code":"Client specified an invalid argument","error":` + quoted(field+end) + `}`,
					`{"detail":[{"type":"extra_forbidden","loc":["body",` + quoted(field) + `],"msg":` + quoted(strings.TrimLeft(end, ":. ")) + `}]}`,
					`{"detail":[{"type":"extra_forbidden","loc":["body",` + quoted(field) + `],"msg":""}]}`,
					field + end,
				} {
					for _, status := range []int{400, 422} {
						e := c.evidence
						e.Status, e.InBand, e.Header, e.Body = status, false, nil, []byte(body)
						if v := failure.Classify(e); v.Health != failure.Nothing && !v.Unsure {
							t.Fatalf("%s: %d at %q: row %q makes %s of %.300s", c.at, status, c.evidence.Place, v.Row, short(&v, ""), body)
						}
					}
				}
			}
		}
	}
	if seen < 50 {
		t.Errorf("only %d texts were tried", seen)
	}
}
