package control

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
	"time"

	"fairlead"
)

// caller is who sent a request.
type caller struct {
	name  string
	level fairlead.Level
}

// bootstrap is who shows the token that the node was started with.
const bootstrap = "admin"

// standing are the names by which others than nodes and tokens of the store stand in the audit: neither may have one of them.
var standing = []string{bootstrap, "file", "ramp", "trial", "restore", "fairlead"}

// may says why a caller cannot do what needs a level.
func (who caller) may(need fairlead.Level) error {
	if need == "" || who.level.Allows(need) {
		return nil
	}
	return &fairlead.Error{
		Code:    fairlead.CodeNotAllowed,
		Message: "this needs a token of level " + string(need) + "; the token " + who.name + " has level " + string(who.level),
		Hint:    "one of level admin makes it: fairlead token create --name NAME --level " + string(need),
	}
}

// authorize tells who shows a token. Hashes are compared, so that the time tells nothing of a token, not even its
// length. Only a bearer token counts, which no browser adds of itself.
func (c *Control) authorize(r *http.Request) (caller, error) {
	const hint = "the token is FAIRLEAD_ADMIN_TOKEN as the server had it at its start, else the content of admin.token in its data folder; or one made with: fairlead token create"
	scheme, shown, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || shown == "" {
		return caller{}, &fairlead.Error{Code: fairlead.CodeMissingKey, Message: "the control plane wants an admin token: Authorization: Bearer TOKEN", Hint: hint}
	}
	want, got := sha256.Sum256([]byte(c.Token.Reveal())), sha256.Sum256([]byte(shown))
	if subtle.ConstantTimeCompare(want[:], got[:]) == 1 && c.Token.Set() {
		return caller{bootstrap, fairlead.LevelAdmin}, nil
	}
	t, found, err := c.storedToken(r.Context(), shown, got)
	switch {
	case err != nil:
		return caller{}, err
	case !found:
		return caller{}, &fairlead.Error{Code: fairlead.CodeInvalidKey, Message: "this is not an admin token of this control plane", Hint: hint}
	case !t.Revoked.IsZero():
		return caller{}, &fairlead.Error{Code: fairlead.CodeRevokedKey, Message: "this admin token was revoked"}
	}
	return caller{t.Name, t.Level}, nil
}

// storedToken asks the store, but not for what cannot be one of its tokens.
func (c *Control) storedToken(ctx context.Context, shown string, hash fairlead.Hash) (t fairlead.Token, found bool, err error) {
	if !strings.HasPrefix(shown, tokenPrefix) || len(shown) > maxToken || c.Store == nil {
		return t, false, nil
	}
	leave, err := c.lookups.enter(ctx, "")
	if err != nil {
		return t, false, err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	return c.Store.Token(ctx, hash)
}

// readTime bounds what only looks.
const readTime = 10 * time.Second

// why is the reason that a caller gives, which stands in the revision and in the audit.
func (a *ask) why() string {
	if why := a.query["why"]; why != "" {
		return why
	}
	return a.Header.Get("X-Fairlead-Why")
}
