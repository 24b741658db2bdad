package control

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
	"time"

	"fairlead"
)

type tokenBody struct {
	Name  string         `json:"name"`
	Level fairlead.Level `json:"level"`
}

// newTokenAnswer is an admin token at its creation, the one time that its secret is shown.
type newTokenAnswer struct {
	ID      string         `json:"id"`
	Name    string         `json:"name"`
	Level   fairlead.Level `json:"level"`
	Secret  string         `json:"secret"`
	Created time.Time      `json:"created"`
}

type tokensAnswer struct {
	Data []fairlead.Token `json:"data"`
}

func (c *Control) listTokens(a *ask) (any, error) {
	list, err := c.Store.Tokens(a.Context())
	if err != nil {
		return nil, err
	}
	return tokensAnswer{append([]fairlead.Token{}, list...)}, nil
}

// createToken makes an admin token. Its name stands in the audit for whoever shows it.
func (c *Control) createToken(a *ask) (any, error) {
	var body tokenBody
	if err := readBody(a.Request, &body); err != nil {
		return nil, err
	}
	if err := c.validTokenName(a.Context(), body.Name); err != nil {
		return nil, named("name", err)
	}
	if !slices.Contains([]fairlead.Level{fairlead.LevelViewer, fairlead.LevelOperator, fairlead.LevelAdmin}, body.Level) {
		return nil, named("level", fairlead.Errorf(fairlead.CodeInvalidRequest, "a token's level is viewer, operator or admin"))
	}
	random := make([]byte, 32)
	rand.Read(random) // never fails: crypto/rand ends the process instead
	secret := tokenPrefix + hex.EncodeToString(random)
	t := fairlead.Token{
		ID: fairlead.NewID("tok_"), Name: body.Name, Level: body.Level,
		Hash: sha256.Sum256([]byte(secret)), Created: c.config.time(),
	}
	ctx, cancel := detach(a.Context())
	defer cancel()
	if err := c.Store.CreateToken(ctx, t, a.act(c.Now(), "token.create", t.ID+" "+t.Name+" "+string(t.Level))); err != nil {
		return nil, err
	}
	c.Log.InfoContext(ctx, "admin token created", "token", t.ID, "name", t.Name, "level", string(t.Level), "by", a.who.name)
	return newTokenAnswer{t.ID, t.Name, t.Level, secret, t.Created}, nil
}

var tokenName = regexp.MustCompile(`^[A-Za-z0-9._@-]{1,100}$`)

// validTokenName keeps the names that the audit gives to others, and what only looks like one of them.
func (c *Control) validTokenName(ctx context.Context, name string) error {
	if !tokenName.MatchString(name) {
		return fairlead.Errorf(fairlead.CodeInvalidRequest, "a token's name has 1 to 100 letters, digits and . _ @ - only")
	}
	taken := append(slices.Clone(standing), c.Node)
	nodes, err := c.Store.Nodes(ctx)
	if err != nil {
		return err
	}
	for _, n := range nodes { // those that were removed, too: their acts stay in the audit
		taken = append(taken, n.Name)
	}
	if slices.Contains(taken, strings.ToLower(name)) {
		return fairlead.Errorf(fairlead.CodeInvalidRequest, "this name stands for someone else in the audit")
	}
	return nil
}

func (c *Control) revokeToken(a *ask) (any, error) {
	ctx, cancel := detach(a.Context())
	defer cancel()
	t, err := c.Store.RevokeToken(ctx, a.PathValue("id"), a.act(c.Now(), "token.revoke", shortened(a.PathValue("id"))))
	if err != nil {
		return nil, err
	}
	c.Log.InfoContext(ctx, "admin token revoked", "token", t.ID, "name", t.Name, "by", a.who.name)
	return t, nil
}
