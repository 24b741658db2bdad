package control

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"fairlead"
)

const (
	tokenFile   = "admin.token"
	tokenPrefix = "fl-admin-"
	maxToken    = 1 << 10 // bytes
)

// LoadToken gives the admin token: env, the value of FAIRLEAD_ADMIN_TOKEN, where it is not empty;
// else what DATA/admin.token holds; else a new one, which it keeps there, readable by the owner
// alone. created says that it is new.
func LoadToken(dataDir, env string) (token fairlead.Secret, created bool, err error) {
	if env != "" {
		if !printable(env) {
			return token, false, errors.New("FAIRLEAD_ADMIN_TOKEN has a character that cannot stand in a header")
		}
		return fairlead.NewSecret(env), false, nil
	}
	token, err = ReadToken(dataDir)
	if !errors.Is(err, os.ErrNotExist) {
		return token, false, err
	}
	created, err = createToken(dataDir)
	if err != nil {
		return token, false, fmt.Errorf("create admin token: %w", err)
	}
	if path := filepath.Join(dataDir, tokenFile); !created {
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) { // there is a link, to nothing
			return token, false, fmt.Errorf("create admin token: %s is a link to a file that is not there: remove it, or put the token where it leads", path)
		}
	}
	token, err = ReadToken(dataDir) // another process may have been faster: the file is what counts
	return token, created, err
}

// ReadToken reads DATA/admin.token as ReadTokenFile does.
func ReadToken(dataDir string) (fairlead.Secret, error) {
	return ReadTokenFile(filepath.Join(dataDir, tokenFile))
}

// ReadTokenFile reads an admin token. It refuses a file that others than its owner can read, and gives
// os.ErrNotExist where there is none.
func ReadTokenFile(path string) (fairlead.Secret, error) {
	f, err := os.Open(path)
	if err != nil {
		return fairlead.Secret{}, fmt.Errorf("read admin token: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fairlead.Secret{}, fmt.Errorf("read admin token: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fairlead.Secret{}, fmt.Errorf("read admin token: %s is not a file", path)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fairlead.Secret{}, fmt.Errorf("read admin token: others can read %s (mode %04o): chmod 600 it, or delete it and have another made", path, info.Mode().Perm())
	}
	b, err := io.ReadAll(io.LimitReader(f, maxToken+1))
	if err != nil {
		return fairlead.Secret{}, fmt.Errorf("read admin token: %w", err)
	}
	s := strings.TrimSpace(string(b))
	if s == "" || len(b) > maxToken || !printable(s) {
		return fairlead.Secret{}, fmt.Errorf("read admin token: %s holds no token: delete it and have another made", path)
	}
	return fairlead.NewSecret(s), nil
}

// createToken makes the file whole under another name first and then links it, which fails where
// there is one: nobody ever reads half a token, and of two processes one wins.
func createToken(dataDir string) (created bool, err error) {
	random := make([]byte, 32)
	rand.Read(random) // never fails: crypto/rand ends the process instead
	f, err := os.CreateTemp(dataDir, tokenFile+".*")
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	_, err = f.WriteString(tokenPrefix + hex.EncodeToString(random) + "\n")
	if err := errors.Join(err, f.Chmod(0o600), f.Sync(), f.Close()); err != nil {
		return false, err
	}
	err = os.Link(f.Name(), filepath.Join(dataDir, tokenFile))
	if errors.Is(err, os.ErrExist) {
		return false, nil
	}
	return err == nil, err
}

// printable reports whether a token can stand in a header as it is.
func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
