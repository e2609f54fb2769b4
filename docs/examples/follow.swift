// Follows a task from its first event to its last: swift run follow TASK
import Foundation
import SwiftCentrifuge

struct Event: Decodable {
    let type: String
}

final class Follow: CentrifugeClientDelegate, CentrifugeSubscriptionDelegate {
    func onPublication(_ task: CentrifugeSubscription, _ publication: CentrifugePublicationEvent) {
        guard let event = try? JSONDecoder().decode(Event.self, from: publication.data) else { return }
        print(publication.offset, event.type)  // the offset is the event's version
        if ["task.completed", "task.failed", "task.canceled", "task.rejected"].contains(event.type) { exit(0) }
    }

    func onUnsubscribed(_ task: CentrifugeSubscription, _ event: CentrifugeUnsubscribedEvent) {
        fatalError(event.reason)
    }

    func onDisconnected(_ client: CentrifugeClient, _ event: CentrifugeDisconnectedEvent) {
        fatalError(event.reason)  // on a cut the client comes back by itself
    }
}

let environment = ProcessInfo.processInfo.environment
let url = environment["PYGENT_URL"]!.replacingOccurrences(of: "http", with: "ws") + "/connection/websocket"
let follow = Follow()
let config = CentrifugeClientConfig(token: environment["PYGENT_API_KEY"]!)
let client = CentrifugeClient(endpoint: url, config: config, delegate: follow)
// Where to begin: after no event at all. Later the client goes on from what it has seen.
let from = CentrifugeSubscriptionConfig(since: CentrifugeStreamPosition(offset: 0, epoch: ""))
let task = try client.newSubscription(channel: "task:" + CommandLine.arguments[1], delegate: follow, config: from)
task.subscribe()
client.connect()
dispatchMain()
