// Follows a task from its first event to its last: go run follow.go TASK
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/centrifugal/centrifuge-go"
)

type event struct {
	Type string `json:"type"`
}

func main() {
	url := strings.Replace(os.Getenv("PYGENT_URL"), "http", "ws", 1) + "/connection/websocket"
	client := centrifuge.NewProtobufClient(url, centrifuge.Config{Token: os.Getenv("PYGENT_API_KEY")})
	defer client.Close()
	client.OnDisconnected(func(e centrifuge.DisconnectedEvent) {
		if e.Code >= 100 { // below are our own; on a cut the client comes back by itself
			log.Fatal(e.Reason)
		}
	})

	task, err := client.NewSubscription("task:"+os.Args[1], centrifuge.SubscriptionConfig{
		// Where to begin: after no event at all. Later the client goes on from what it has seen.
		GetState: func(centrifuge.SubscriptionGetStateEvent) (centrifuge.StreamPosition, error) {
			return centrifuge.StreamPosition{Offset: 0}, nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	over := make(chan struct{})
	task.OnError(func(e centrifuge.SubscriptionErrorEvent) { log.Print(e.Error) })
	task.OnUnsubscribed(func(e centrifuge.UnsubscribedEvent) {
		if e.Code >= 100 {
			log.Fatal(e.Reason)
		}
	})
	task.OnPublication(func(e centrifuge.PublicationEvent) {
		var one event
		if err := json.Unmarshal(e.Data, &one); err != nil {
			log.Fatal(err)
		}
		fmt.Println(e.Offset, one.Type) // the offset is the event's version
		switch one.Type {
		case "task.completed", "task.failed", "task.canceled", "task.rejected":
			close(over)
		}
	})
	if err := task.Subscribe(); err != nil {
		log.Fatal(err)
	}
	if err := client.Connect(); err != nil {
		log.Fatal(err)
	}
	<-over
}
