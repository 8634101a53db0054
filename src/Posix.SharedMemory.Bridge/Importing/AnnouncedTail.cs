namespace Posix.SharedMemory.Bridge;

/// <summary>Messages that were published last and never arrived are noticed by what the exporter says of them, twice. Not safe for several threads: the import's lock guards it.</summary>
internal sealed class AnnouncedTail(MessageIntake intake, ChannelReport report)
{
    private (long Next, long Expected, long At) _behind;

    /// <summary>Another life has begun.</summary>
    internal void Forget() => _behind = default;

    /// <summary>Compares what has arrived with what is announced of this life.</summary>
    /// <param name="announced">The announcement.</param>
    /// <param name="now">When it came, in milliseconds.</param>
    /// <returns>Whether the channel has ended.</returns>
    internal bool CatchUp(Announcement announced, long now)
    {
        if (announced.IsValue)
        {
            // A value that did not arrive is sent again.
        }
        else if (intake.Expected == 0)
        {
            // What this connection publishes arrives in order: nothing that came before this announcement is still under way.
            intake.GoOn(announced.Next);
        }
        else if (announced.Next == intake.Expected)
        {
            _behind = default;
        }
        else if (_behind.Expected != intake.Expected)
        {
            _behind = (announced.Next, intake.Expected, now);
        }
        else if (now - _behind.At >= FrameLimits.AnnounceMilliseconds / 2)
        {
            if (_behind.Next > intake.Expected)
            {
                intake.EndAt(_behind.Next);
            }
            else if (announced.Next < intake.Expected)
            {
                // A stranger has published a sequence that the channel has not reached.
                report.Refuse("The messages were ahead of what the exporter announces.");
                intake.GoOn(announced.Next);
            }

            _behind = default;
        }

        if (announced.Completed is { } error && (announced.IsValue || announced.Next <= intake.Expected) && intake is { IsCompleted: false, End: null })
        {
            intake.Finish(error);
            return true;
        }

        return false;
    }
}
