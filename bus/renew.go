package bus

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// renewEvery is how often a node looks whether its certificate is due; a renewal that failed is tried again then.
const renewEvery = time.Hour

// KeepIdentity keeps what the node needs to be let in, until ctx ends: it renews the certificate when that is due, and
// learns the addresses of the control nodes that there are. The new certificate is shown at the next connect; the
// one in use stays good meanwhile.
func KeepIdentity(ctx context.Context, b *Bus, id *Identity) {
	var group sync.WaitGroup
	defer group.Wait()
	group.Go(func() {
		if err := keepAddresses(ctx, b, id); err != nil && ctx.Err() == nil {
			b.o.Log.Warn("addresses of other control nodes are not learned", "error", err)
		}
	})
	t := time.NewTicker(renewEvery)
	defer t.Stop()
	connect := make(chan struct{}, 1)
	defer b.onConnect(func() {
		select {
		case connect <- struct{}{}:
		default:
		}
	})()
	for {
		if id.Pair().Due(b.o.Clock()) {
			if err := renew(ctx, b, id); err != nil && ctx.Err() == nil {
				b.o.Log.Warn("this node's certificate was not renewed; it is tried again", "expires", id.Pair().Expires(), "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		case <-connect:
		}
	}
}

func renew(ctx context.Context, b *Bus, id *Identity) error {
	request, err := id.Pair().Request()
	if err != nil {
		return err
	}
	cert, err := b.Send(ctx, "renew", request)
	if err != nil {
		return err
	}
	pair, err := id.Pair().Renew(cert)
	if err != nil {
		return fmt.Errorf("renew this node's certificate: %w", err)
	}
	if pair.Name() != id.Name {
		return fmt.Errorf("renew this node's certificate: it is that of %q", pair.Name())
	}
	if err := id.set(pair); err != nil {
		return err
	}
	b.o.Log.Info("this node's certificate was renewed", "expires", pair.Expires())
	return nil
}
