package admit_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"fairlead"
	"fairlead/admit"
)

type keys map[fairlead.KeyHash]*fairlead.Key

func (k keys) Holder(_ context.Context, h fairlead.KeyHash) (fairlead.Holder, bool, error) {
	key, ok := k[h]
	if ok && key.Name == "broken" {
		return fairlead.Holder{}, false, errors.New("disk on fire")
	}
	return fairlead.Holder{Key: key}, ok, nil
}

func TestEnter(t *testing.T) {
	good, secret := fairlead.NewKey("good", time.Now())
	revoked, gone := fairlead.NewKey("revoked", time.Now())
	revoked.Revoked = time.Now()
	broken, burnt := fairlead.NewKey("broken", time.Now())
	known := keys{good.Hash: &good, revoked.Hash: &revoked, broken.Hash: &broken}
	s := secret.Reveal()
	for _, c := range []struct {
		name   string
		header http.Header
		want   fairlead.Code
	}{
		{"bearer", http.Header{"Authorization": {"Bearer " + s}}, ""},
		{"bearer in any case, with spaces", http.Header{"Authorization": {"bearer  " + s + " "}}, ""},
		{"x-api-key", http.Header{"X-Api-Key": {s}}, ""},
		{"api-key", http.Header{"Api-Key": {s}}, ""},
		{"x-goog-api-key", http.Header{"X-Goog-Api-Key": {s}}, ""},
		{"the first header with one counts", http.Header{"Authorization": {"Bearer nope"}, "X-Api-Key": {s}}, fairlead.CodeInvalidKey},
		{"another scheme is no key", http.Header{"Authorization": {"Basic " + s}}, fairlead.CodeMissingKey},
		{"none", http.Header{}, fairlead.CodeMissingKey},
		{"empty", http.Header{"X-Api-Key": {""}}, fairlead.CodeMissingKey},
		{"unknown", http.Header{"X-Api-Key": {s + "x"}}, fairlead.CodeInvalidKey},
		{"revoked", http.Header{"X-Api-Key": {gone.Reveal()}}, fairlead.CodeRevokedKey},
		{"the store fails: closed", http.Header{"X-Api-Key": {burnt.Reveal()}}, fairlead.CodeInternal},
	} {
		pass, err := admit.NewDoor(known, false).Enter(t.Context(), c.header)
		var got fairlead.Code
		if err != nil {
			got = fairlead.AsError(err).Code
		}
		if got != c.want {
			t.Errorf("%s: code %q, want %q", c.name, got, c.want)
		}
		if (pass.Key == &good) != (c.want == "") {
			t.Errorf("%s: pass %+v", c.name, pass)
		}
	}
	if pass, err := admit.NewDoor(known, false).Enter(t.Context(), http.Header{"X-Api-Key": {s}}); err != nil || pass.Account != nil {
		t.Errorf("a key of no account: %+v, %v", pass, err)
	}
	if _, err := admit.NewDoor(nil, true).Enter(t.Context(), http.Header{}); err != nil {
		t.Errorf("an open door refused: %v", err)
	}
}
