package fakellm

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// embeddings answers with a vector a text, of length one, made from the text alone.
func embeddings(a *ask) []byte {
	b := []byte(`{"object":"list","data":[`)
	for i, text := range a.inputs {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"object":"embedding","index":`...)
		b = strconv.AppendInt(b, int64(i), 10)
		b = append(b, `,"embedding":`...)
		b = appendVector(b, vector(text, a.dims), a.base64)
		b = append(b, '}')
	}
	n := strconv.Itoa(a.prompt())
	b = append(b, `],"model":`+quote(a.model)+`,"usage":{"prompt_tokens":`+n+`,"total_tokens":`+n+`}}`...)
	return b
}

// vector makes the embedding of a text: equal texts give equal vectors, others point elsewhere.
func vector(text string, dims int) []float32 {
	seed, sum := hash(text), 0.0
	v := make([]float64, dims)
	for i := range v {
		v[i] = float64(int64(mix(seed^mix(uint64(i)))))/(1<<63) + 1e-9
		sum += v[i] * v[i]
	}
	list := make([]float32, dims)
	for i := range v {
		list[i] = float32(v[i] / math.Sqrt(sum))
	}
	return list
}

// appendVector writes numbers, or the base64 of little-endian float32, as the client asked.
func appendVector(b []byte, v []float32, packed bool) []byte {
	if packed {
		raw := make([]byte, 0, 4*len(v))
		for _, f := range v {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(f))
		}
		b = append(b, '"')
		b = base64.StdEncoding.AppendEncode(b, raw)
		return append(b, '"')
	}
	b = append(b, '[')
	for i, f := range v {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendFloat(b, float64(f), 'g', -1, 32)
	}
	return append(b, ']')
}

// moderations flags the texts that hold the word "flagme".
func moderations(a *ask) []byte {
	b := []byte(`{"id":"modr-` + hex16(hash(strings.Join(a.inputs, "\n"))) + `","model":` + quote(a.model) + `,"results":[`)
	for i, text := range a.inputs {
		if i > 0 {
			b = append(b, ',')
		}
		flagged, score := "false", "0.01"
		if strings.Contains(strings.ToLower(text), "flagme") {
			flagged, score = "true", "0.99"
		}
		b = append(b, `{"flagged":`+flagged+`,"categories":{`...)
		for k, c := range categories {
			b = append(b, comma(k)+quote(c)+`:`+flagged...)
		}
		b = append(b, `},"category_scores":{`...)
		for k, c := range categories {
			b = append(b, comma(k)+quote(c)+`:`+score...)
		}
		b = append(b, `},"category_applied_input_types":{`...)
		for k, c := range categories {
			b = append(b, comma(k)+quote(c)+`:["text"]`...)
		}
		b = append(b, `}}`...)
	}
	return append(b, `]}`...)
}

var categories = []string{
	"harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "self-harm",
	"self-harm/intent", "self-harm/instructions", "sexual", "sexual/minors", "violence", "violence/graphic",
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}

func countTokens(a *ask) []byte {
	return []byte(`{"input_tokens":` + strconv.Itoa(a.prompt()) + `}`)
}

// listed are the models that the list shows; every other name is served too.
var listed = []string{"echo", "fake", "tools", "think", "vary"}

// models answers the list of models or one of it, in the shape that the headers ask for; nil for
// any other request.
func (s *Server) models(r *http.Request) *script {
	for _, base := range bases {
		rest, ok := strings.CutPrefix(r.URL.EscapedPath(), base+"/models")
		if !ok || (rest != "" && rest[0] != '/') {
			continue
		}
		sh := openai
		if r.Header.Get("Anthropic-Version") != "" {
			sh = anthropic
		}
		if p := s.checkKey(r, sh); p != nil {
			return problemScript(sh, p)
		}
		if r.Method != http.MethodGet {
			return problemScript(sh, &problem{status: http.StatusMethodNotAllowed, kind: "invalid_request_error", message: "Not allowed to " + r.Method + " on " + r.URL.Path})
		}
		id, err := url.PathUnescape(strings.TrimPrefix(rest, "/"))
		if err != nil || strings.HasSuffix(rest, "/") {
			return problemScript(sh, classes["model_not_found"].problem(sh))
		}
		return s.modelScript(sh, id)
	}
	return nil
}

func (s *Server) modelScript(sh shape, id string) *script {
	if id != "" {
		if _, err := ParseBehaviour(id); err != nil {
			return problemScript(sh, classes["model_not_found"].problem(sh))
		}
		return jsonScript([]byte(s.modelJSON(sh, id)))
	}
	names := slices.Concat(listed, s.rules.names())
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = s.modelJSON(sh, name)
	}
	data := strings.Join(list, ",")
	if sh == anthropic {
		return jsonScript([]byte(`{"data":[` + data + `],"has_more":false,"first_id":` + quote(names[0]) + `,"last_id":` + quote(names[len(names)-1]) + `}`))
	}
	return jsonScript([]byte(`{"object":"list","data":[` + data + `]}`))
}

func (s *Server) modelJSON(sh shape, id string) string {
	if sh == anthropic {
		return `{"type":"model","id":` + quote(id) + `,"display_name":` + quote(id) + `,"created_at":"2026-01-01T00:00:00Z"}`
	}
	return `{"id":` + quote(id) + `,"object":"model","created":` + strconv.FormatInt(s.created, 10) + `,"owned_by":"fake"}`
}

func hex16(x uint64) string {
	s := strconv.FormatUint(x, 16)
	return strings.Repeat("0", 16-len(s)) + s
}
