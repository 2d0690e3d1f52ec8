// The step in which camera and microphone are allowed, looked at and chosen.

import { Problem } from './api.js';
import { canChooseSpeaker, reasonOf } from './capture.js';
import { busy, byId, element, say } from './dom.js';
import { Meter } from './meter.js';
import { playTestSound } from './speaker.js';
import { text } from './text.js';
import { refusal } from './verify.js';

export class DevicesStep {
  #capture;
  #onJoin;
  #beforeAsking = null;
  #meter = new Meter(byId('devices-meter'));
  /** What to open if the person goes on without what just failed. */
  #lesser = null;

  /** `onJoin` may throw a `Problem`, which is shown here. */
  constructor({ capture, onJoin }) {
    this.#capture = capture;
    this.#onJoin = onJoin;
    byId('devices-request').addEventListener('click', (event) =>
      this.#press(event.currentTarget, text.requesting, () => this.#ask({ camera: true, microphone: true })),
    );
    byId('devices-without').addEventListener('click', (event) =>
      this.#press(event.currentTarget, text.requesting, () => this.#ask(this.#lesser)),
    );
    byId('join').addEventListener('click', (event) => this.#press(event.currentTarget, text.joining, this.#onJoin));
    byId('device-camera').addEventListener('change', (event) => this.#choose('useCamera', event.target.value));
    byId('device-microphone').addEventListener('change', (event) => this.#choose('useMicrophone', event.target.value));
    byId('device-speaker').addEventListener('change', (event) => (capture.speakerId = event.target.value));
    byId('speaker-test').addEventListener('click', () => this.#testSpeaker());
    capture.addEventListener('change', () => this.#preview());
    navigator.mediaDevices?.addEventListener('devicechange', () => this.#list());
  }

  /**
   * Begins at the question. With `beforeAsking` the question is also where the terms are accepted: it runs before
   * the browser asks, and what it throws is shown.
   */
  begin(beforeAsking = null) {
    this.#beforeAsking = beforeAsking;
    byId('devices-terms').hidden = beforeAsking === null;
    if (beforeAsking) byId('devices-terms').append(byId('terms'));
    byId('devices-chosen').hidden = true;
    byId('devices-ask').hidden = false;
    byId('devices-without').hidden = true;
    this.#lesser = null;
    byId('devices-request').textContent = text.requestPermissions;
    byId('devices-lead').textContent = text.devicesLead;
    say(byId('devices-alert'), null);
  }

  /** The preview is not shown any more; the devices stay open. */
  end() {
    this.#meter.stop();
    byId('devices-preview').srcObject = null;
  }

  /** One thing at a time, and what goes wrong is said on this page. */
  async #press(button, word, work) {
    await busy(button, word, async () => {
      say(byId('devices-alert'), null);
      try {
        await work();
      } catch (problem) {
        say(byId('devices-alert'), refusal(problem, { provider: this.#beforeAsking !== null }));
      }
    });
    if (byId('devices-alert').hidden) return;
    byId('devices-request').textContent = text.tryAgain;
    byId('devices-without').hidden = this.#lesser === null;
    byId('devices-without').textContent = this.#lesser?.microphone ? text.withoutCamera : text.withoutBoth;
  }

  async #ask(wanted) {
    if (this.#beforeAsking) {
      await this.#beforeAsking();
      this.#beforeAsking = null;
    }
    try {
      await this.#capture.open(wanted);
    } catch (error) {
      if (error instanceof Problem) throw error;
      this.#refused(wanted, reasonOf(error));
      return;
    }
    this.#capture.cameraOn = wanted.camera;
    await this.#chosen();
  }

  /** Says what is wrong, and offers to go on without the camera; then without both. */
  #refused(wanted, reason) {
    const microphoneAlone = { denied: 'deniedMicrophone', missing: 'missingMicrophone' };
    const code = wanted.camera ? reason : (microphoneAlone[reason] ?? reason);
    say(byId('devices-alert'), text.errors[code]);
    this.#lesser = { camera: false, microphone: wanted.camera };
  }

  async #chosen() {
    byId('devices-ask').hidden = true;
    byId('devices-terms').hidden = true;
    byId('devices-lead').textContent = this.#capture.camera ? text.devicesReady : '';
    byId('devices-chosen').hidden = false;
    this.#preview();
    await this.#list();
    byId('join').focus({ preventScroll: true });
  }

  #preview() {
    if (byId('devices-chosen').hidden) return;
    const { camera, microphone } = this.#capture;
    byId('devices-preview').srcObject = camera ? new MediaStream([camera]) : null;
    byId('devices-preview').hidden = !camera;
    byId('devices-preview-off').hidden = Boolean(camera);
    byId('devices-meter-field').hidden = !microphone;
    this.#meter.listen(microphone);
  }

  async #list() {
    if (byId('devices-chosen').hidden) return;
    const { camera, microphone, speaker } = await this.#capture.devices();
    fill(byId('device-camera'), camera, text.camera, this.#capture.camera?.getSettings().deviceId);
    fill(byId('device-microphone'), microphone, text.microphone, this.#capture.microphone?.getSettings().deviceId);
    fill(byId('device-speaker'), speaker, text.speaker, this.#capture.speakerId);
    byId('device-speaker-field').hidden = !canChooseSpeaker() || speaker.length === 0;
  }

  async #choose(change, id) {
    say(byId('devices-alert'), null);
    try {
      await this.#capture[change](id);
      if (change === 'useCamera') this.#capture.cameraOn = true;
    } catch (error) {
      say(byId('devices-alert'), text.errors[reasonOf(error)]);
    }
  }

  #testSpeaker() {
    playTestSound(this.#capture.speakerId).catch(() => say(byId('devices-alert'), text.errors.device));
  }
}

/** Puts the devices into a choice; one that the browser does not name gets a number. */
function fill(select, devices, kind, current) {
  select.replaceChildren(
    ...devices.map((device, place) =>
      element('option', { value: device.deviceId }, device.label || text.deviceName(kind, place + 1)),
    ),
  );
  select.closest('.field').hidden = devices.length === 0;
  if (devices.some((device) => device.deviceId === current)) select.value = current;
}
