// The step in which camera, microphone and speaker are allowed, tried and chosen.

import { Problem } from './api.js';
import { canChooseSpeaker, permission, reasonOf } from './capture.js';
import { busy, byId, element, say } from './dom.js';
import { Meter } from './meter.js';
import { Offer } from './offer.js';
import { playTestSound } from './speaker.js';
import { advise, wayBack } from './support.js';
import { text } from './text.js';
import { refusal } from './verify.js';

/**
 * What to open if the person goes on without what just failed, and the word for it. `here` are the devices that the
 * browser knows of; many tell nothing before they are allowed.
 */
export function lesser(wanted, here) {
  if (wanted.camera && wanted.microphone) {
    const noMicrophone = here.camera.length > 0 && here.microphone.length === 0;
    return noMicrophone
      ? { camera: true, microphone: false, word: text.withoutMicrophone }
      : { camera: false, microphone: true, word: text.withoutCamera };
  }
  return { camera: false, microphone: false, word: text.withoutBoth };
}

/**
 * Which steps of `text.denied` lead back after a person, a browser or a device said no. What the browser itself says
 * comes first; what it is called decides only where its switch is.
 */
export function stepsAfter(error, state, userAgent) {
  if (/system/i.test(error.message ?? '')) return text.denied.system;
  if (state === 'prompt') return text.denied.asked;
  return text.denied[wayBack(advise(userAgent))];
}

export class DevicesStep {
  #capture;
  #onJoin;
  #beforeAsking = null;
  #meter = new Meter(byId('devices-meter'));
  #offer;
  #lesser = null;
  #speaker = 'untested';
  #tested = false;

  /** `onJoin` may throw a `Problem`, which is shown here. */
  constructor({ capture, onJoin }) {
    this.#capture = capture;
    this.#onJoin = onJoin;
    this.#offer = new Offer({ capture, place: byId('devices-offer'), shown: () => this.#shown(), onProblem: (error) => this.#say(error) });
    byId('devices-request').addEventListener('click', (event) =>
      this.#press(event.currentTarget, text.requesting, () => this.#ask({ camera: true, microphone: true })),
    );
    byId('devices-without').addEventListener('click', (event) =>
      this.#press(event.currentTarget, text.requesting, () => this.#ask(this.#lesser)),
    );
    byId('join').addEventListener('click', (event) => this.#press(event.currentTarget, text.joining, this.#onJoin));
    byId('device-camera').addEventListener('change', (event) => this.#choose(capture.useCamera(event.target.value)));
    byId('device-microphone').addEventListener('change', (event) => this.#choose(capture.useMicrophone(event.target.value)));
    byId('device-speaker').addEventListener('change', (event) => capture.useSpeaker(event.target.value));
    byId('devices-flip').addEventListener('click', () => this.#choose(capture.flip()));
    byId('speaker-test').addEventListener('click', () => void this.#testSpeaker());
    byId('speaker-yes').addEventListener('click', () => this.#heard('heard', text.speakerHeard));
    byId('speaker-no').addEventListener('click', () =>
      this.#heard('not_heard', byId('device-speaker-field').hidden ? text.speakerNotHeard : text.speakerNotHeardChoose),
    );
    capture.addEventListener('change', () => {
      this.#preview();
      void this.#list();
    });
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
    byId('speaker-question').hidden = true;
    this.#offer.clear();
    this.#clear();
  }

  /** The preview is not shown any more; the devices stay open. */
  end() {
    byId('devices-chosen').hidden = true;
    this.#meter.stop();
    byId('devices-preview').srcObject = null;
  }

  /** What the test found, for whoever will admit this person; nothing when they did not come this way. */
  get findings() {
    if (!this.#tested) return undefined;
    const { camera, microphone } = this.#capture;
    return { camera: camera !== null, microphone: microphone !== null, speaker: this.#speaker };
  }

  #shown() {
    return !byId('devices-chosen').hidden;
  }

  #clear() {
    say(byId('devices-alert'), null);
    byId('devices-steps').hidden = true;
  }

  #say(error) {
    say(byId('devices-alert'), text.errors[reasonOf(error)]);
  }

  /** One thing at a time, and what goes wrong is said on this page. */
  async #press(button, word, work) {
    await busy(button, word, async () => {
      this.#clear();
      try {
        await work();
      } catch (problem) {
        say(byId('devices-alert'), refusal(problem, { provider: this.#beforeAsking !== null }));
      }
    });
    if (byId('devices-alert').hidden) return;
    byId('devices-request').textContent = text.tryAgain;
    byId('devices-without').hidden = this.#lesser === null;
    byId('devices-without').textContent = this.#lesser?.word ?? '';
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
      await this.#refused(wanted, error);
      return;
    }
    this.#capture.cameraOn = wanted.camera;
    this.#capture.listening = !wanted.microphone;
    await this.#chosen();
  }

  /** Says what is wrong and the way back, and offers to go on with less. */
  async #refused(wanted, error) {
    const reason = reasonOf(error);
    const microphoneAlone = { denied: 'deniedMicrophone', missing: 'missingMicrophone' };
    this.#lesser = lesser(wanted, await this.#capture.devices());
    say(byId('devices-alert'), text.errors[wanted.camera ? reason : (microphoneAlone[reason] ?? reason)]);
    if (reason !== 'denied') return;
    const steps = stepsAfter(error, await permission(wanted.camera ? 'camera' : 'microphone'), navigator.userAgent);
    byId('devices-steps').replaceChildren(...steps.map((step) => element('li', {}, step)));
    byId('devices-steps').hidden = false;
  }

  async #chosen() {
    byId('devices-ask').hidden = true;
    byId('devices-terms').hidden = true;
    byId('devices-chosen').hidden = false;
    this.#tested = true;
    this.#preview();
    await this.#list();
    byId('join').focus({ preventScroll: true });
  }

  #lead() {
    const { camera, microphone } = this.#capture;
    if (camera) return microphone ? text.devicesReady : text.devicesReadyPicture;
    return microphone ? text.devicesReadyVoice : text.devicesReadyListen;
  }

  #preview() {
    if (!this.#shown()) return;
    const { camera, microphone } = this.#capture;
    const video = byId('devices-preview');
    byId('devices-lead').textContent = this.#lead();
    if (video.srcObject?.getVideoTracks()[0] !== camera) video.srcObject = camera ? new MediaStream([camera]) : null;
    video.hidden = !camera;
    video.classList.toggle('mirrored', !this.#capture.facesAway);
    byId('devices-preview-off').hidden = Boolean(camera);
    byId('devices-meter-field').hidden = !microphone;
    this.#meter.listen(microphone);
  }

  async #list() {
    if (!this.#shown()) return;
    const { camera, microphone, speaker } = await this.#capture.devices();
    fill(byId('device-camera'), camera, text.camera, this.#capture.camera?.getSettings().deviceId);
    fill(byId('device-microphone'), microphone, text.microphone, this.#capture.microphone?.getSettings().deviceId);
    fill(byId('device-speaker'), speaker, text.speaker, this.#capture.speakerId);
    byId('device-speaker-field').hidden = !canChooseSpeaker() || speaker.length < 2;
    byId('devices-flip').hidden = !(await this.#capture.canFlip());
  }

  async #choose(change) {
    this.#clear();
    await change.catch((error) => this.#say(error));
  }

  async #testSpeaker() {
    this.#clear();
    byId('speaker-result').textContent = '';
    try {
      await playTestSound(this.#capture.speakerId);
    } catch {
      say(byId('devices-alert'), text.errors.device);
      return;
    }
    byId('speaker-test').textContent = text.speakerAgain;
    byId('speaker-question').hidden = false;
  }

  /** The question goes with its answer; the keyboard stays beside it. */
  #heard(finding, words) {
    this.#speaker = finding;
    byId('speaker-question').hidden = true;
    byId('speaker-result').textContent = words;
    byId(finding === 'heard' ? 'join' : 'speaker-test').focus({ preventScroll: true });
  }
}

/** Puts the devices into a choice; one that the browser does not name gets a number. */
function fill(select, devices, kind, current) {
  select.replaceChildren(
    ...devices.map((device, place) =>
      element('option', { value: device.deviceId }, device.label || text.deviceName(kind, place + 1)),
    ),
  );
  // What is not in use is not offered as if it were.
  select.closest('.field').hidden = devices.length === 0 || current === undefined;
  if (devices.some((device) => device.deviceId === current)) select.value = current;
}
