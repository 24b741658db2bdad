# fairlead: `make demo` shows it at work, `make test` proves it. Both install what they need.
GOFUMPT     := mvdan.cc/gofumpt@v0.12.0
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
# Comparisons are not checked: io.EOF is compared as it is, for a wrapped one is a broken stream.
ERRORLINT   := github.com/polyfloyd/go-errorlint@v1.8.0 -comparison=false
BIN         := bin/fairlead

.PHONY: build demo test lint check bench tools

build:
	CGO_ENABLED=0 go build -o $(BIN) ./cmd/fairlead

demo: build
	./$(BIN) demo

# Everything: unit tests and fuzz seeds under the race detector, then what is too heavy for it
# (whole binary, official SDKs, ten thousand streams, a fleet), built without, one package after another: their plays
# have true times, and two at once would take them from each other.
test: tools build lint
	go test -race -shuffle=on $$(go list ./... | grep -v '^fairlead/test')
	go test -p 1 -shuffle=on -timeout 20m ./test/...

tools:
	scripts/install-test-tools

lint:
	@out=$$(go run $(GOFUMPT) -l .); if [ -n "$$out" ]; then echo "not formatted:"; echo "$$out"; exit 1; fi
	go vet ./...
	go run $(STATICCHECK) ./...
	go run $(ERRORLINT) ./...

check: tools lint
	go test -race -shuffle=on $$(go list ./... | grep -v '^fairlead/test')

bench: build
	scripts/install-bench-tools
	./$(BIN) bench
