package gateway

import "net/http"

// closes reports whether a connection must end with a request's answer, for the request's end could be
// read in another way by who stands between. net/http lets a Transfer-Encoding override a
// Content-Length (and in HTTP/1.0 the other way round) and forgets that there were both, so every
// request that may have had both counts: what follows in the connection is never taken for a request.
// RFC 9112, section 6.1, asks for this.
func closes(r *http.Request) bool {
	return r.ProtoMajor == 1 && (len(r.TransferEncoding) > 0 || r.ProtoMinor == 0)
}

// closeAfter ends an HTTP/1 connection with this answer. Of HTTP/2 only the stream ends: there the header
// would end all the connection's streams to come, and cost the caller this answer's body.
func closeAfter(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor == 1 {
		setHeader(w.Header(), "Connection", "close")
	}
}

// headerSize is about what a request's headers and address have in bytes.
func headerSize(r *http.Request) int {
	n := len(r.RequestURI)
	for name, values := range r.Header {
		for _, v := range values {
			n += len(name) + len(v) + len(": \r\n")
		}
	}
	return n
}
