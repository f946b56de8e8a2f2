// What can be done, each asked for before it is done; and all that is known of one tunnel.
class Question {
  constructor() {
    this.dialog = byId('ask');
    byId('ask-no').addEventListener('click', () => this.dialog.close());
    byId('ask-yes').addEventListener('click', () => this.confirmed());
  }

  /// `action()` is what a yes does; it may fail with a ProxyError, which is told.
  put({title, text, yes, isDangerous, action}) {
    this.action = action;
    setText(byId('ask-title'), title);
    setText(byId('ask-text'), text);
    setText(byId('ask-yes'), yes);
    setText(byId('ask-problem'), '');
    byId('ask-yes').classList.toggle('danger', isDangerous);
    byId('ask-yes').disabled = false;
    this.dialog.showModal();
    byId('ask-no').focus();
  }

  async confirmed() {
    const {action} = this;
    byId('ask-yes').disabled = true;
    try {
      await action();
      if (this.action === action) this.dialog.close();
    } catch (problem) {
      if (this.action !== action) return;
      const reason = problem instanceof ProxyError ? visibleSentence(problem.message) : say('noAnswer');
      setText(byId('ask-problem'), say('notDone', reason));
      byId('ask-yes').disabled = false;
    }
  }

  endTunnel(tunnel, afterwards) {
    const target = targetText(tunnel);
    this.put({
      title: say('askEnd', target),
      text: say('askEndText', visibleText(tunnel.client), byteText(tunnel.bytes_down)),
      yes: say('endIt'),
      isDangerous: true,
      action: async () => {
        await act(`tunnels/${encodeURIComponent(tunnel.id)}/end`);
        announce(say('saidEnded', target), true);
        afterwards();
      },
    });
  }

  markUpstream(upstream, afterwards) {
    const name = visibleText(upstream.name);
    const isMarked = upstream.state === 'marked_down';
    this.put({
      title: say(isMarked ? 'askUp' : 'askDown', name),
      text: say(isMarked ? 'askUpText' : 'askDownText', name, wholeNumber(upstream.tunnels)),
      yes: say(isMarked ? 'markUp' : 'markDown'),
      isDangerous: !isMarked,
      action: async () => {
        await act(`upstreams/${encodeURIComponent(upstream.name)}/${isMarked ? 'up' : 'down'}`);
        announce(say(isMarked ? 'saidUp' : 'saidDown', name), true);
        afterwards();
      },
    });
  }
}

class TunnelDetails {
  constructor(onEnd) {
    this.dialog = byId('details');
    this.tunnel = null;
    this.missed = [];  // Its id, where the last answer did not have it.
    byId('details-close').addEventListener('click', () => this.dialog.close());
    byId('details-end').addEventListener('click', () => {
      this.dialog.close();
      onEnd(this.tunnel);
    });
  }

  open(tunnel, actionsAllowed) {
    byId('details-end').hidden = !actionsAllowed;
    this.show(tunnel);
    this.dialog.showModal();
    byId('details-close').focus();
  }

  /// Anew, if it is among these.
  update(tunnels) {
    this.missed = [];
    if (!this.dialog.open || this.tunnel.state === 'ended') return;
    const now = tunnels.find(({id}) => id === this.tunnel.id);
    if (now) this.show(now);
    else this.missed = [this.tunnel.id];
  }

  /// What there is of those that were asked for by `missed`.
  takeMissed(tunnels) {
    const [id] = this.missed;
    this.update(tunnels);
    if (this.missed[0] === id && id !== undefined) this.show(endedTunnel(this.tunnel));
  }

  show(tunnel) {
    this.tunnel = tunnel;
    setText(byId('details-title'), targetText(tunnel));
    setText(byId('details-end'), say('endIt'));
    byId('details-end').disabled = tunnel.state === 'ended';
    const both = (down, up) => `↓ ${down}  ↑ ${up}`;
    const rate = (value) => value === null ? '–' : rateText(value);
    const facts = [
      ['state', tunnelStateText(tunnel)],
      ['client', visibleText(tunnel.client)],
      ['upstream', tunnel.upstream === null ? say('direct') : visibleText(tunnel.upstream)],
      ['method', visibleText(tunnel.method)],
      ['rate', both(rate(tunnel.rate_down), rate(tunnel.rate_up))],
      ['bytes', both(byteText(tunnel.bytes_down), byteText(tunnel.bytes_up))],
      ['quiet', quietText(tunnel)],
      ['age', durationText(tunnel.age_seconds)],
      ['stage', stageText(tunnel.stage)],
      ['waitingClient', byteText(tunnel.waiting_for_client)],
      ['waitingUpstream', byteText(tunnel.waiting_for_upstream)],
      ['id', String(tunnel.id)],
    ];
    if (tunnel.user !== null) facts.splice(2, 0, ['user', visibleText(tunnel.user)]);
    if (tunnel.connect_ms !== null) facts.push(['connectMs', say('milliseconds', tunnel.connect_ms)]);
    showFacts(byId('details-facts'), facts);
    byId('details-text').hidden = tunnel.stall === null;
    setText(byId('details-text'), tunnel.stall === null ? '' : visibleSentence(tunnel.stall.text));
  }
}
