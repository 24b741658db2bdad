package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// ErrNoNginx says that there is nothing to compare with.
var ErrNoNginx = errors.New("nginx is not installed; on Debian: apt-get install nginx-light")

// findNginx gives the path of nginx; Debian puts it where users other than root do not look.
func findNginx() (string, error) {
	if path, err := exec.LookPath("nginx"); err == nil {
		return path, nil
	}
	const debian = "/usr/sbin/nginx"
	if _, err := os.Stat(debian); err != nil {
		return "", ErrNoNginx
	}
	return debian, nil
}

// nginxVersion is such as "nginx/1.22.1".
func nginxVersion(ctx context.Context, path string) string {
	out, _ := exec.CommandContext(ctx, path, "-v").CombinedOutput()
	_, version, _ := strings.Cut(string(out), "version: ")
	return strings.TrimSpace(version)
}

// nginx is a running nginx and its ways to the upstream.
type nginx struct {
	forwarder
	logged contender // access log to a file
	silent contender // none
	stream contender // proxy_buffering off
	secure contender // the upstream speaks TLS
}

// nginxConfig compares fairly: as many workers as there are cores, as fairlead uses all of them;
// connections to the upstream are kept and never counted out; a log line for each exchange; the
// upstream's certificate is verified and its sessions are used again.
const nginxConfig = `daemon off;
%[1]sworker_processes auto;
worker_rlimit_nofile %[2]d;
pid %[3]s/nginx.pid;
error_log %[3]s/nginx-error.log;
events { worker_connections %[2]d; }
http {
  client_body_temp_path %[3]s/body;
  proxy_temp_path %[3]s/proxy;
  fastcgi_temp_path %[3]s/fastcgi;
  uwsgi_temp_path %[3]s/uwsgi;
  scgi_temp_path %[3]s/scgi;
  keepalive_requests 1000000000;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_read_timeout 10m;
  access_log %[3]s/nginx-access.log combined;
  upstream plain { server %[4]s; keepalive 512; keepalive_requests 1000000000; }
  upstream secure { server %[5]s; keepalive 512; keepalive_requests 1000000000; }
  server { listen %[6]s backlog=4096; location / { proxy_pass http://plain; } }
  server { listen %[7]s backlog=4096; access_log off; location / { proxy_pass http://plain; } }
  server { listen %[8]s backlog=4096; location / { proxy_pass http://plain; proxy_buffering off; } }
  server { listen %[9]s backlog=4096; location / {
    proxy_pass https://secure; proxy_ssl_session_reuse on;
    proxy_ssl_verify on; proxy_ssl_trusted_certificate %[10]s; proxy_ssl_name localhost; proxy_ssl_server_name on;
  } }
}
`

// startNginx starts nginx in front of the upstream, with its files in dir.
func startNginx(ctx context.Context, path, dir string, up Addresses, cert, key string) (*nginx, error) {
	dir = filepath.Join(dir, "nginx")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make folder of nginx: %w", err)
	}
	addrs, err := freeAddresses(4)
	if err != nil {
		return nil, err
	}
	user := ""
	if os.Getuid() == 0 {
		user = "user root;\n" // else its workers could not write into our folder
	}
	text := fmt.Sprintf(nginxConfig, user, files(), dir, up.Plain, up.TLS, addrs[0], addrs[1], addrs[2], addrs[3], cert)
	file := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, fmt.Errorf("write nginx's configuration: %w", err)
	}
	cmd := exec.CommandContext(ctx, path, "-p", dir, "-c", file, "-e", filepath.Join(dir, "nginx-error.log"))
	p, err := spawn("nginx", dir, cmd)
	if err != nil {
		return nil, err
	}
	n := &nginx{forwarder: forwarder{process: p, workers: true}}
	n.logged = contender{name: "nginx", addr: addrs[0], key: key, proc: &n.forwarder}
	n.silent = contender{name: "nginx without access log", addr: addrs[1], key: key, proc: &n.forwarder}
	n.stream = contender{name: "nginx", addr: addrs[2], key: key, proc: &n.forwarder}
	n.secure = contender{name: "nginx", addr: addrs[3], key: key, proc: &n.forwarder}
	for _, addr := range addrs {
		if err := p.listening(ctx, addr); err != nil {
			p.stop()
			return nil, err
		}
	}
	return n, nil
}
