package openai

import (
	"strings"

	"fairlead/dialect"
	"fairlead/internal/jsonscan"
)

// partReaders says which types of parts a role may have, and how each is read. A part of kind 0 is dropped.
type partReaders map[string]func(jsonscan.Value) (dialect.Part, error)

var (
	systemParts    = partReaders{"text": readText}
	toolParts      = partReaders{"text": readText}
	assistantParts = partReaders{"text": readText, "refusal": readRefusal}
	userParts      = partReaders{"text": readText, "image_url": readImage, "file": readFile, "input_audio": readAudio}
)

// readContent reads the member content: a string, or an array of parts. Empty text is dropped.
func readContent(v jsonscan.Value, readers partReaders) ([]dialect.Part, error) {
	switch v.Kind() {
	case jsonscan.KindString:
		if s, _ := v.Text(); s != "" {
			return []dialect.Part{{Kind: dialect.PartText, Text: s}}, nil
		}
		return nil, nil
	case jsonscan.KindArray:
	default:
		return nil, invalid("content", "must be a string or an array of parts")
	}
	var parts []dialect.Part
	err := each(v, func(e jsonscan.Value) error {
		p, err := readers.part(e)
		if err != nil || p.Kind == 0 {
			return err
		}
		parts = append(parts, p)
		return tooMany(len(parts), maxParts)
	})
	if err != nil {
		return nil, at("content", err)
	}
	return parts, nil
}

func (readers partReaders) part(v jsonscan.Value) (dialect.Part, error) {
	if _, err := object(v); err != nil {
		return dialect.Part{}, err
	}
	kind, err := member(v, "type", text)
	if err != nil {
		return dialect.Part{}, err
	}
	if kind == "" {
		return dialect.Part{}, invalid("type", "must be a non-empty string")
	}
	read, ok := readers[kind]
	if !ok {
		return dialect.Part{}, unsupported("type", "is of a kind that is not supported here")
	}
	p, err := read(v)
	if c, ok := v.Get("cache_control"); ok && !c.IsNull() {
		p.Cache = []byte(c)
	}
	return p, err
}

func readText(v jsonscan.Value) (dialect.Part, error) {
	return readTextMember(v, "text", dialect.PartText)
}

func readRefusal(v jsonscan.Value) (dialect.Part, error) {
	return readTextMember(v, "refusal", dialect.PartRefusal)
}

func readTextMember(v jsonscan.Value, name string, kind dialect.PartKind) (p dialect.Part, err error) {
	m, _ := v.Get(name)
	if p.Text, err = text(m); err != nil {
		return p, at(name, err)
	}
	if p.Text != "" {
		p.Kind = kind
	}
	return p, nil
}

func readImage(v jsonscan.Value) (dialect.Part, error) {
	p := dialect.Part{Kind: dialect.PartImage}
	image, _ := v.Get("image_url")
	if _, err := object(image); err != nil {
		return p, at("image_url", err)
	}
	url, err := member(image, "url", text)
	if err == nil {
		p.Detail, err = member(image, "detail", enum("auto", "low", "high", "original"))
	}
	if err != nil {
		return p, at("image_url", err)
	}
	if webURL(url) {
		p.URL = url
		return p, nil
	}
	var ok bool
	if p.MediaType, p.Data, ok = splitDataURL(url); !ok || !strings.HasPrefix(p.MediaType, "image/") {
		return p, at("image_url", invalid("url", "must be an http(s) URL or a base64 data: URL of an image"))
	}
	return p, nil
}

func readFile(v jsonscan.Value) (dialect.Part, error) {
	p := dialect.Part{Kind: dialect.PartFile}
	file, _ := v.Get("file")
	if _, err := object(file); err != nil {
		return p, at("file", err)
	}
	if id, ok := file.Get("file_id"); ok && !id.IsNull() {
		return p, at("file", unsupported("file_id", "is not supported: files are known to one provider only; send file_data"))
	}
	data, err := member(file, "file_data", text)
	if err == nil {
		p.Name, err = member(file, "filename", text)
	}
	if err != nil {
		return p, at("file", err)
	}
	var ok bool
	switch {
	case webURL(data):
		p.URL, ok = data, true
	case strings.HasPrefix(data, "data:"):
		p.MediaType, p.Data, ok = splitDataURL(data)
	case strings.HasSuffix(strings.ToLower(p.Name), ".pdf"):
		p.MediaType, p.Data, ok = "application/pdf", data, data != ""
	}
	if !ok {
		return p, at("file", invalid("file_data", "must be a base64 data: URL, or base64 with a filename that ends in .pdf"))
	}
	return p, nil
}

// audioTypes are the formats of input_audio and their media types.
var audioTypes = map[string]string{"wav": "audio/wav", "mp3": "audio/mp3"}

func readAudio(v jsonscan.Value) (dialect.Part, error) {
	p := dialect.Part{Kind: dialect.PartAudio}
	audio, _ := v.Get("input_audio")
	if _, err := object(audio); err != nil {
		return p, at("input_audio", err)
	}
	format, err := member(audio, "format", enum("wav", "mp3"))
	if err == nil {
		p.Data, err = member(audio, "data", text)
	}
	switch {
	case err != nil:
		return p, at("input_audio", err)
	case format == "":
		return p, at("input_audio", invalid("format", "must be wav or mp3"))
	case p.Data == "":
		return p, at("input_audio", invalid("data", "must be a non-empty string"))
	}
	p.MediaType = audioTypes[format]
	return p, nil
}

func webURL(s string) bool {
	scheme, rest, ok := strings.Cut(s, "://")
	return ok && rest != "" && (strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "http"))
}

// splitDataURL takes apart data:<media type>[;parameter...];base64,<data>.
func splitDataURL(s string) (mediaType, data string, ok bool) {
	rest, ok := strings.CutPrefix(s, "data:")
	if !ok {
		return "", "", false
	}
	head, data, ok := strings.Cut(rest, ",")
	if !ok || data == "" {
		return "", "", false
	}
	head, ok = strings.CutSuffix(head, ";base64")
	mediaType, _, _ = strings.Cut(head, ";")
	return strings.ToLower(mediaType), data, ok && mediaType != ""
}
